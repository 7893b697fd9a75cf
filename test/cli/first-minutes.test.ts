/** What is typed in the first minutes, and what it leads to (cli.md §1). */
import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { interceptCommand } from '../harness/paths.ts';
import { HAS_TERMINAL, sitAtTerminal } from '../harness/terminal.ts';
import { openFolder } from './run.ts';

const WARNED = 'version: "1"\n';
const VALID = 'version: "1"\ndefault: deny\nmethods: {"*": deny}\n';

describe('C3: validate --strict', () => {
  test('a policy with a warning is invalid, and says by what', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', WARNED);
    expect(await folder.run('validate', file)).toMatchObject({
      status: 0,
      out: expect.stringMatching(/p\.yaml: valid \(\d warnings?\)\n$/),
    });
    expect(await folder.run('validate', '--strict', file)).toMatchObject({
      status: 3,
      out: expect.stringMatching(/p\.yaml: invalid \(\d warnings?, with --strict\)\n$/),
    });
    expect(JSON.parse((await folder.run('validate', '--strict', '--json', file)).out)).toMatchObject([{ valid: false }]);
  });
});

describe('validate - reads stdin', () => {
  test('as it reads a file', async () => {
    using folder = openFolder();
    expect(await folder.runWith(VALID, 'validate', '-')).toMatchObject({ status: 0, out: expect.stringContaining('(stdin): valid') });
    const wrong = await folder.runWith('version: "1"\ndefualt: deny\n', 'validate', '-');
    expect(wrong.out).toContain('(stdin):2:1: error: unknown key "defualt"');
    expect(wrong.status).toBe(3);
    expect((await folder.runWith('', 'validate', '-')).status).toBe(3);
    expect((await folder.runWith(`# ${'x'.repeat(2_000_000)}`, 'validate', '-')).err).toContain(
      '(stdin): error: is larger than a policy can be',
    );
  });
});

describe('C8: intercept test', () => {
  const CASES = (expected: string) => `policy: p.yaml\ncases: [{name: a, steps: [{call: x, expect: ${expected}}]}]\n`;

  test('without arguments it runs what is in and below the folder', async () => {
    using folder = openFolder();
    folder.write('p.yaml', VALID);
    mkdirSync(join(folder.path, 'more'));
    folder.write('a.test.yaml', CASES('deny'));
    folder.write('more/b.test.yaml', CASES('deny').replace('p.yaml', '../p.yaml'));
    const before = process.cwd();
    process.chdir(folder.path);
    try {
      const { out, status } = await folder.run('test');
      expect(out).toMatch(/^a\.test\.yaml\n[\s\S]*more\/b\.test\.yaml\n[\s\S]*2 passed\n$/);
      expect(status).toBe(0);
    } finally {
      process.chdir(before);
    }
  });

  test('a file that cannot be run is a failure, and the others run', async () => {
    using folder = openFolder();
    folder.write('p.yaml', VALID);
    const good = folder.write('a.test.yaml', CASES('deny'));
    const bad = folder.write('b.test.yaml', 'policy: absent.yaml\ncases: [{name: a, steps: [{call: x, expect: deny}]}]\n');
    const broken = folder.write('c.test.yaml', 'cases: 1\n');
    const { out, err, status } = await folder.run('test', bad, join(folder.path, 'nothing.test.yaml'), broken, good);
    expect(err).toContain('absent.yaml: does not exist');
    expect(err).toContain('nothing.test.yaml: does not exist');
    expect(out).toEndWith('1 passed, 3 failed\n');
    expect(status).toBe(1);
  });

  test.each([
    ['expect: allowed', 'did you mean "allow"?'],
    ['expect: denied', 'did you mean "deny"?'],
    ['expect: held', 'did you mean "hold"?'],
    ['cal: x, expect: deny', 'did you mean "call"?'],
    ['aprove: last', 'did you mean "approve"?'],
  ])('{%s}: %s', async (step, help) => {
    using folder = openFolder();
    folder.write('p.yaml', VALID);
    const text = step.startsWith('expect') ? `call: x, ${step}` : step;
    const file = folder.write('a.test.yaml', `policy: p.yaml\ncases: [{name: a, steps: [{${text}}]}]\n`);
    const { err, status } = await folder.run('test', file);
    expect(err).toContain(help);
    expect(status).toBe(1);
  });
});

describe.if(HAS_TERMINAL)('a server typed at a terminal', () => {
  test('the proxy says that it waits for a client', async () => {
    using folder = openFolder();
    const policy = folder.write('p.yaml', VALID);
    using person = sitAtTerminal([...interceptCommand(), '-c', policy, '--', 'cat'], {
      env: { INTERCEPT_HOME: join(folder.path, 'home') },
    });
    await person.untilPrinted('waiting for an MCP client');
    person.type('\u0003');
    await person.ended;
  }, 60_000);

  const BANNER = `printf 'Listening \\033[2J with sk_live_${'a1B2c3D4'.repeat(4)} there\\n'; exec cat\n`;
  const TOLD = 'dropped a line of the server that is not JSON: "Listening \\u001b[2J with [redacted] there"';
  test.each([
    ['time and colour', undefined, '\u001b[33mWARN\u001b[39m'],
    ['time, and no colour with NO_COLOR', '1', 'WARN'],
  ])(
    'C12: its lines have %s, and one that is no JSON is shown, masked and escaped',
    async (_, NO_COLOR, word) => {
      using folder = openFolder();
      const command = [...interceptCommand(), '-c', folder.write('p.yaml', VALID), '--', 'sh', folder.write('banner.sh', BANNER)];
      using person = sitAtTerminal(command, { env: { INTERCEPT_HOME: join(folder.path, 'home'), NO_COLOR }, columns: 200 });
      const line = (await person.untilPrinted(`[INTERCEPT] ${word} ${TOLD}`)).split('\r\n').find((each) => each.includes(TOLD)) ?? '';
      expect(line.replace(/^\d\d:\d\d:\d\d /, 'TIME ')).toBe(`TIME [INTERCEPT] ${word} ${TOLD}`);
      person.type('\u0003');
      await person.ended;
    },
    60_000,
  );
});

test('C12: whoever reads its lines by a program gets them without time and colour', () => {
  using folder = openFolder();
  const env = { ...process.env, INTERCEPT_HOME: join(folder.path, 'home'), NO_COLOR: undefined };
  const [command = '', ...words] = [...interceptCommand(), '-c', folder.write('p.yaml', WARNED), '--', 'cat'];
  const { stderr } = spawnSync(command, words, { env, input: '', encoding: 'utf8' });
  expect(stderr).toStartWith('[INTERCEPT] WARN ');
  expect(stderr).not.toContain('\u001b');
});
