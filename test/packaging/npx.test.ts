/** setup.md §5: a person who has only npm starts the packed package through npx; what it leaves behind works without npm. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENTS, connect, type FixtureHome, openHome } from '../e2e/init/home.ts';
import { NODE, ROOT, temporaryFolder } from '../harness/paths.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let archive: string;
/** The package as npx leaves it in its cache, which is emptied some day. */
let cached: string;
const VERSION: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
const WRAPPED = `.intercept/bin/${VERSION}`;

beforeAll(async () => {
  folder = await temporaryFolder();
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder.path], { cwd: ROOT, encoding: 'utf8' });
  expect(packed.status).toBe(0);
  archive = join(folder.path, readdirSync(folder.path).find((name) => name.endsWith('.tgz')) ?? '');
  cached = join(folder.path, '_npx/1/node_modules/@policylayer/intercept');
  mkdirSync(cached, { recursive: true });
  expect(spawnSync('tar', ['-xzf', archive, '-C', cached, '--strip-components=1']).status).toBe(0);
});

afterAll(() => folder.remove());

function openMachine(): FixtureHome {
  const home = openHome();
  const client = CLIENTS.cursor;
  if (client) home.put(client.file, client.write(['memory']));
  return home;
}

const entryOf = (home: FixtureHome) => {
  const [started] = CLIENTS.cursor?.read(home.text(CLIENTS.cursor.file)) ?? [];
  if (!started) throw new Error('no entry');
  return started;
};

test('npx starts it with an empty cache, a bare home, and no other package', async () => {
  using home = openHome();
  const env = { npm_config_cache: join(home.path, 'cache'), npm_config_offline: 'true', npm_config_update_notifier: 'false' };
  const bin = join(home.path, 'bin');
  mkdirSync(bin);
  symlinkSync(NODE, join(bin, 'node'));
  const ran = await home.run(['-y', '--package', archive, 'intercept', '--version'], {
    command: ['npx'],
    env: { ...env, PATH: `${bin}:${home.env.PATH}` },
  });
  expect(ran).toEqual({ status: 0, out: `${VERSION}\n`, err: '' });
}, 60_000);

test('init brings the program into the home, and entries work once the cache is gone', async () => {
  using home = openMachine();
  const copy = join(home.path, '_npx');
  expect(spawnSync('cp', ['-r', cached, copy]).status).toBe(0);
  const init = await home.run(['init', '--yes'], { command: [NODE, join(copy, 'dist/cli.js')] });
  expect([init.status, init.err.includes('warning')]).toEqual([0, false]);
  rmSync(copy, { recursive: true });
  expect(readdirSync(join(home.path, WRAPPED)).sort()).toEqual(['cli', 'cli.js', 'package.json']);
  const started = entryOf(home);
  expect(started.command).toBe(join(home.path, '.intercept/bin/intercept'));
  // As an application starts it that no shell started.
  const client = await connect({ ...started, env: { ...started.env, PATH: '/usr/bin:/bin' } }, home);
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('read_graph');
  expect((await client.callTool({ name: 'read_graph', arguments: {} })).isError ?? false).toBe(false);
  await client.close();
  const check = await home.run(['init', '--check'], { command: [started.command] });
  expect([check.status, check.err]).toEqual([0, '']);
  const shown = await home.run(['policies', 'show', 'stripe'], { command: [started.command] });
  expect(shown.out).toBe(readFileSync(join(ROOT, 'policies/stripe.yaml'), 'utf8'));
}, 60_000);

test('--update lets the same entries start the new version', async () => {
  using home = openMachine();
  const command = [NODE, join(cached, 'dist/cli.js')];
  expect((await home.run(['init', '--yes'], { command })).status).toBe(0);
  const before = home.files();
  const launcher = join(home.path, '.intercept/bin/intercept');
  const text = readFileSync(launcher, 'utf8');
  // As an older version left it.
  home.put('.intercept/bin/intercept', text.replaceAll(VERSION, '0.0.1'));
  expect((await home.run(['init', '--update', '--yes'], { command })).status).toBe(0);
  expect([readFileSync(launcher, 'utf8'), home.text('.cursor/mcp.json')]).toEqual([text, before.get('.cursor/mcp.json') ?? '']);
}, 60_000);

test('the launcher finds another Node.js where the one of the setup is gone, and never in the current folder', async () => {
  using home = openMachine();
  const own = join(home.path, 'own-node');
  symlinkSync(NODE, own);
  const [real, fake] = [join(home.path, 'real'), join(home.path, 'fake')];
  for (const each of [real, fake]) mkdirSync(each);
  symlinkSync(NODE, join(real, 'node'));
  home.put('fake/node', '#!/bin/sh\ntouch "$HOME/was-run"\nexit 0\n');
  spawnSync('chmod', ['755', join(fake, 'node')]);
  expect((await home.run(['init', '--yes'], { command: [NODE, join(cached, 'dist/cli.js')] })).status).toBe(0);
  const launcher = home.text('.intercept/bin/intercept').replace(/^node=.*$/m, `node='${own}'`);
  home.put('.intercept/bin/intercept', launcher);
  const start = (PATH: string) =>
    home.run(['--version'], { command: [join(home.path, '.intercept/bin/intercept')], cwd: fake, env: { PATH } });
  expect((await start('/bin')).out).toBe(`${VERSION}\n`);
  rmSync(own);
  expect((await start(`.::${real}:/bin`)).out).toBe(`${VERSION}\n`);
  expect(readdirSync(home.path)).not.toContain('was-run');
}, 60_000);

test('an older Node.js is told what it needs, before anything else is loaded', async () => {
  using home = openHome();
  // The entry alone: without its parts beside it, anything else would fail in another way.
  const entry = home.put('cli.mjs', readFileSync(join(cached, 'dist/cli.js'), 'utf8'));
  const old = `Object.defineProperty(process.versions, 'node', { value: '22.12.0' }); await import(${JSON.stringify(entry)})`;
  expect(await home.run(['--input-type=module', '-e', old], { command: [NODE] })).toEqual({
    status: 1,
    out: '',
    err: 'intercept: it needs Node.js 22.13 or later, and this is 22.12.0: install a newer one from https://nodejs.org\n',
  });
});
