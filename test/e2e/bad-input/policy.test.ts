/** Policies that are none (cli.md §1): no start, status 3, and a line that says where and what. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decisionOf } from '../../harness/message.ts';
import { temporaryFolder } from '../../harness/paths.ts';
import { startProxy } from '../../harness/proxy.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';
import { runToEnd, SOON_MS } from './run.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** Tries to start with this policy; a server that would leave a trace proves that it was not started. */
async function start(path: string) {
  const trace = join(folder.path, 'started');
  const ended = await runToEnd(join(folder.path, 'home'), ['-c', path, '--', 'touch', trace]);
  expect(await Bun.file(trace).exists()).toBe(false);
  expect(ended.stdout).toBe('');
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  return ended;
}

const laughs = (levels: number, wide: number) =>
  `version: "1"\ntools:\n${Array.from(
    { length: levels },
    (_, n) =>
      `  t${n}: &a${n} [${Array(wide)
        .fill(n ? `*a${n - 1}` : 'x')
        .join(', ')}]\n`,
  ).join('')}`;

async function sparse(path: string): Promise<void> {
  await writeFile(path, '');
  await truncate(path, 104_857_600);
}

const TEXTS: readonly (readonly [string, string, RegExp])[] = [
  ['empty', '', /bad\.yaml:1:1: the policy must be a map/],
  ['only a comment', '# nothing\n', /bad\.yaml:\d:1: the policy must be a map/],
  ['a list', '- a\n', /bad\.yaml:1:1: the policy must be a map/],
  ['not YAML', 'version: "1"\ntools: [\n', /bad\.yaml:\d+:\d+: .*\[yaml-syntax\]/],
  ['JSON cut off', '{"version": "1", "tools": {', /bad\.yaml:1:\d+: /],
  ['a mistyped key', 'version: "1"\ndefualt: deny\n', /bad\.yaml:2:1: unknown key "defualt"[^\n]*\nhelp: did you mean "default"\?/],
  ['no version', 'default: deny\n', /bad\.yaml:1:1: .*version/],
  ['a version to come', 'version: "9"\n', /bad\.yaml:1:10: .*"?9"?/],
  ['a key twice', 'version: "1"\ndefault: deny\ndefault: allow\n', /bad\.yaml:3:1: key "default" stands twice/],
  ['two documents', 'version: "1"\n---\nversion: "1"\n', /one document/],
  ['a tag', 'version: !!binary "MQ=="\n', /bad\.yaml:1:\d+: tag .* is not allowed/],
  ['a merge key', 'version: "1"\ntools: {a: &a {rules: []}, b: {<<: *a}}\n', /merge keys/],
  ['an alias without an anchor', 'version: "1"\ntools: *nothing\n', /bad\.yaml:2:8: /],
  ['an alias within its own anchor', 'version: "1"\ntools: &t {a: *t}\n', /bad\.yaml:2:\d+: /],
  ['anchors that stand for 10 to the 9th values', laughs(9, 10), /aliases stand for more than 100000 values/],
  ['anchors that stand for 2 to the 60th values', laughs(60, 2), /aliases stand for more than 100000 values/],
  ['10000 open brackets', `version: "1"\ntools: ${'['.repeat(10_000)}`, /bad\.yaml:\d+:\d+: /],
  ['10000 levels', `version: "1"\ntools: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`, /deeper than 64 levels/],
  [
    'a regex that backtracks',
    'version: "1"\ntools: {a: {rules: [{conditions: [{path: args.x, op: regex, value: "(?=a)"}]}]}}\n',
    /bad\.yaml:2:\d+: /,
  ],
  [
    'a thousand errors',
    `version: "1"\n${Array.from({ length: 1_000 }, (_, n) => `k${n}: 1\n`).join('')}`,
    /bad\.yaml:1001:1: unknown key "k999"/,
  ],
  ['control characters', 'version: "1"\ndesc\u0007ription: x\n', /bad\.yaml:\d+:\d+: /],
];

describe('a text that is no policy: status 3, with its place', () => {
  test.each(TEXTS)(
    '%s',
    async (_, text, gist) => {
      const path = join(folder.path, 'bad.yaml');
      await writeFile(path, text);
      const { code, stderr } = await start(path);
      expect(stderr).toMatch(gist);
      expect(code).toBe(3);
    },
    2 * SOON_MS,
  );

  test('what it quotes of the text cannot move the cursor of a terminal', async () => {
    const path = join(folder.path, 'bad.yaml');
    await writeFile(path, 'version: "1"\n"\\e[2J\\x07evil": 1\n');
    const { code, stderr } = await start(path);
    expect(code).toBe(3);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
  });
});

describe('a file that is no policy: status 3, and at once', () => {
  const FILES: readonly (readonly [string, (path: string) => unknown, RegExp])[] = [
    ['missing', () => {}, /: does not exist/],
    ['in a folder that is missing', () => {}, /: does not exist/],
    ['a folder', (path) => mkdir(path), /: is a directory\nhelp: name the policy file in it/],
    ['of 100 MB', sparse, /: is larger than a policy can be \(104857600 bytes, at most 1048576\)/],
    ['one byte too large', (path) => writeFile(path, '#'.repeat(1_048_577)), /: is larger than a policy can be/],
    ['not UTF-8', (path) => writeFile(path, Uint8Array.of(0x76, 0xff, 0xfe)), /: is not UTF-8 text/],
    ['UTF-16', (path) => writeFile(path, Buffer.from('\ufeffversion: "1"\n', 'utf16le')), /: is not UTF-8 text/],
    ['a pipe that nobody writes to', (path) => spawnSync('mkfifo', [path]), /: is not a regular file/],
    ['a device without end', (path) => symlink('/dev/zero', path), /: is not a regular file/],
    ['a link to itself', (path) => symlink(path, path), /: cannot be read: it is a link that leads in a circle/],
    ['a broken link', (path) => symlink(`${path}.gone`, path), /: does not exist/],
  ];
  test.each(FILES)(
    '%s',
    async (name, make, gist) => {
      const path = join(folder.path, name.replaceAll(' ', '-'), ...(name.includes('missing') ? ['x', 'p.yaml'] : ['p.yaml']));
      await mkdir(join(folder.path, name.replaceAll(' ', '-')));
      await make(path);
      const { code, stderr } = await start(path);
      expect(stderr).toMatch(gist);
      expect(stderr).toContain(path);
      expect(code).toBe(3);
    },
    2 * SOON_MS,
  );
});

describe('while it runs, the last good policy stays in force, with a warning and an event (I8)', () => {
  const EDITS: readonly (readonly [string, (path: string) => unknown, string])[] = [
    ['a text that is no policy', (path) => writeFile(`${path}.new`, 'version: "1"\ndefualt: deny\n'), 'unknown key "defualt"'],
    ['a text that explodes', (path) => writeFile(`${path}.new`, laughs(60, 2)), 'aliases stand for more than'],
    ['100 MB', (path) => sparse(`${path}.new`), 'larger than a policy can be'],
    ['a pipe that nobody writes to', (path) => spawnSync('mkfifo', [`${path}.new`]), 'not a regular file'],
    ['a folder', (path) => mkdir(`${path}.new`), 'is a directory'],
  ];
  test.each(EDITS)(
    '%s',
    async (_, make, gist) => {
      await using recorder = await setUpRecorder({ tools: [{ name: 'a' }, { name: 'b' }] });
      await using proxy = await startProxy({ policy: 'version: "1"\ndefault: deny\ntools: {a: {rules: []}}\n', server: recorder.command });
      await proxy.client.initialize();
      await make(proxy.policyFile);
      await rm(proxy.policyFile);
      await rename(`${proxy.policyFile}.new`, proxy.policyFile);
      await until('the warning', () => (proxy.client.stderr().includes(gist) ? true : undefined));
      const records = await proxy.untilRecords('a rejected reload', (all) => all.some(({ type }) => type === 'config_reload'));
      expect(records.find(({ type }) => type === 'config_reload')).toMatchObject({ accepted: false, why: expect.stringContaining(gist) });
      expect((await proxy.client.request('tools/call', { name: 'a' })).result.isError).toBeUndefined();
      expect(decisionOf(await proxy.client.request('tools/call', { name: 'b' }))?.code).toBe('default_deny');
    },
    15_000,
  );
});
