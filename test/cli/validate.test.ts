import { describe, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BUN, ROOT } from '../harness/paths.ts';
import { openFolder } from './run.ts';

const GOOD =
  'version: "1"\ndefault: deny\nmethods: {"*": deny}\ntools:\n  echo: [{name: short, conditions: [{path: args.message, op: eq, value: hi}]}]\n';

describe('policy.md §14: validate', () => {
  test('a valid policy is status 0', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', GOOD);
    expect(await folder.run('validate', file)).toEqual({ status: 0, out: `${file}: valid\n`, err: '' });
    expect((await folder.run('validate', '-c', file)).status).toBe(0);
  });

  test('a mistake has its place, its line with a caret, and what to do', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', 'version: "1"\ndefualt: deny\n');
    const { status, out } = await folder.run('validate', file);
    expect(out).toContain(
      `${file}:2:1: error: unknown key "defualt" [unknown-key]\n  2 | defualt: deny\n    | ^\nhelp: did you mean "default"?\n`,
    );
    expect(status).toBe(3);
  });

  test('warnings leave status 0, with --strict 3', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', 'version: "1"\n');
    expect((await folder.run('validate', file)).status).toBe(0);
    expect((await folder.run('validate', '--strict', file)).status).toBe(3);
  });

  test('each of several files is told, and one that is wrong decides the status', async () => {
    using folder = openFolder();
    const { status, out } = await folder.run('validate', folder.write('a.yaml', GOOD), folder.write('b.yaml', 'version: "2"\n'));
    expect(out).toContain('a.yaml: valid');
    expect(out).toContain('b.yaml: invalid (1 error');
    expect(status).toBe(3);
  });

  test('what is no policy file is told apart', async () => {
    using folder = openFolder();
    mkdirSync(join(folder.path, 'dir'));
    const expected: Readonly<Record<string, string>> = {
      [join(folder.path, 'none.yaml')]: 'does not exist',
      [join(folder.path, 'dir')]: 'is a directory',
      [folder.write('big.yaml', `#${'x'.repeat(1_048_576)}`)]: 'larger',
      [folder.write('bin.yaml', 'version: "1"\0')]: 'binary',
    };
    for (const [file, why] of Object.entries(expected)) {
      const { status, err } = await folder.run('validate', file);
      expect(err).toContain(`${file}: error: `);
      expect(err).toContain(why);
      expect(status).toBe(3);
    }
  });

  test('--json is one list for programs', async () => {
    using folder = openFolder();
    const { out } = await folder.run('validate', '--json', folder.write('p.yaml', 'version: "1"\ndefualt: deny\n'));
    expect(JSON.parse(out)).toMatchObject([
      {
        valid: false,
        diagnostics: expect.arrayContaining([expect.objectContaining({ code: 'unknown-key', position: { line: 2, column: 1 } })]),
      },
    ]);
  });

  test('--tools compares with what the server has', async () => {
    using folder = openFolder();
    const list = JSON.stringify({ tools: [{ name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }] });
    const { out } = await folder.run('validate', '--tools', folder.write('tools.json', list), folder.write('p.yaml', GOOD));
    expect(out).toContain('[unknown-argument]');
    expect((await folder.run('validate', '--tools', folder.write('bad.json', '{"tools": 1}'), folder.write('p.yaml', GOOD))).status).toBe(
      1,
    );
  });

  test('-- command asks the server itself, page by page', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', 'version: "1"\ndefault: deny\nmethods: {"*": deny}\ntools: {nonesuch: []}\n');
    const server = join(ROOT, 'node_modules/@modelcontextprotocol/server-memory/dist/index.js');
    const { out, status } = await folder.run('validate', file, '--', BUN, server);
    expect(out).toContain('the server has no tool "nonesuch"');
    expect(status).toBe(0);
    expect((await folder.run('validate', file, '--', 'no-such-command-anywhere')).err).toContain('was not found');
  });
});
