/** setup.md §3: what a person does after init: edits, takes a part back, loses the journal, updates, looks. */
import { describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENTS, type FixtureHome, openHome, readOutput, SERVERS } from './home.ts';

const { cursor, codex } = CLIENTS;

async function openWrapped(
  ...servers: readonly string[]
): Promise<{ readonly home: FixtureHome; readonly before: ReadonlyMap<string, string> }> {
  const home = openHome();
  for (const client of [cursor, codex]) home.put(client?.file ?? '', client?.write(servers) ?? '');
  const before = home.files();
  const init = await home.run(['init', '--yes']);
  if (init.status !== 0) throw new Error(init.out + init.err);
  return { home, before };
}

const edit = (home: FixtureHome, file: string, from: string, to: string) =>
  writeFileSync(join(home.path, file), home.text(file).replace(from, to));

describe('undo', () => {
  test('of an entry that was edited by hand keeps the edit, once somebody agrees', async () => {
    const { home } = await openWrapped('memory');
    using _ = home;
    edit(home, '.cursor/mcp.json', '"FIXTURE_TOKEN"', '"MORE": "1", "FIXTURE_TOKEN"');
    edit(home, '.cursor/mcp.json', '"-c"', '"--shadow","-c"');
    const asked = await home.run(['init', '--undo', '--json']);
    const { entries } = readOutput('init_undo', asked.out);
    expect([asked.status, (entries as { outcome: string }[]).map(({ outcome }) => outcome).sort()]).toEqual([1, ['changed', 'restored']]);
    const { status, out } = await home.run(['init', '--undo', '--yes']);
    expect([status, out]).toEqual([0, expect.stringContaining('with the edits that were made since')]);
    const { memory } = JSON.parse(home.text('.cursor/mcp.json')).mcpServers;
    expect([memory.command, ...memory.args]).toEqual([...(SERVERS.memory?.command ?? [])]);
    expect(memory.env).toEqual({ MORE: '1', FIXTURE_TOKEN: 'token-of-the-fixture' });
  }, 60_000);

  test('of one client, one server, and then of the rest', async () => {
    const { home, before } = await openWrapped('memory', 'files');
    using _ = home;
    expect((await home.run(['init', '--undo', '--client', 'codex'])).status).toBe(0);
    expect(home.text('.codex/config.toml')).toBe(before.get('.codex/config.toml') ?? '');
    expect((await home.run(['init', '--undo', '--server', 'files'])).status).toBe(0);
    const { memory, files } = JSON.parse(home.text('.cursor/mcp.json')).mcpServers;
    expect([memory.args.includes('-c'), files.command]).toEqual([true, SERVERS.files?.command[0]]);
    expect((await home.run(['init', '--undo'])).status).toBe(0);
    expect(home.files()).toEqual(before);
    const again = await home.run(['init', '--undo']);
    expect([again.status, again.out]).toEqual([0, 'nothing to undo: no entry stands behind Intercept\n']);
  }, 90_000);

  test('without a journal brings back what follows the first "--"', async () => {
    const { home } = await openWrapped('memory');
    using _ = home;
    rmSync(join(home.path, '.intercept/setup'), { recursive: true });
    expect((await home.run(['init', '--undo', '--yes'])).status).toBe(0);
    for (const client of [cursor, codex]) {
      const [entry] = client?.read(home.text(client.file)) ?? [];
      expect([entry?.command, ...(entry?.args ?? [])]).toEqual([...(SERVERS.memory?.command ?? [])]);
    }
  }, 60_000);

  test('with --purge leaves no policy and no copy', async () => {
    const { home, before } = await openWrapped('memory');
    using _ = home;
    const { out } = await home.run(['init', '--undo', '--purge', '--json']);
    const { purged } = readOutput('init_undo', out);
    expect((purged as string[]).map((path) => path.slice(home.path.length)).sort()).toEqual([
      '/.intercept/policies/memory-2.yaml',
      '/.intercept/policies/memory.yaml',
      '/.intercept/setup',
    ]);
    expect(home.files()).toEqual(before);
  }, 60_000);
});

test('--purge leaves a policy that init found, and one that an entry names still', async () => {
  const { home } = await openWrapped('memory');
  using _ = home;
  const [policies, setup] = [join(home.path, '.intercept/policies'), join(home.path, '.intercept/setup')];
  // A journal that never heard of the policy: it is as if a person had written it.
  rmSync(setup, { recursive: true });
  home.put('.gemini/settings.json', CLIENTS['gemini-cli']?.write(['memory', 'files']) ?? '');
  expect((await home.run(['init', '--yes'])).status).toBe(0);
  expect(existsSync(join(policies, 'files.yaml'))).toBe(true);
  // A copy by hand of what init wrote.
  home.put('.cursor/mcp.json', JSON.stringify({ mcpServers: JSON.parse(home.text('.gemini/settings.json')).mcpServers }));
  const first = await home.run(['init', '--undo', '--purge', '--json', '--client', 'gemini-cli']);
  expect(readOutput('init_undo', first.out).purged).toEqual([setup]);
  expect(readdirSync(policies).sort()).toEqual(['files.yaml', 'memory-2.yaml', 'memory.yaml']);
  const second = await home.run(['init', '--undo', '--purge', '--yes', '--json']);
  expect(second.status).toBe(0);
  expect(readdirSync(policies).sort()).toEqual(['files.yaml', 'memory-2.yaml', 'memory.yaml']);
}, 90_000);

describe('check', () => {
  test('names a way around, a policy in shadow mode, one that is gone', async () => {
    const { home } = await openWrapped('memory');
    using _ = home;
    home.put('.gemini/settings.json', CLIENTS['gemini-cli']?.write(['memory']) ?? '');
    const policy = join(home.path, '.intercept/policies/memory.yaml');
    const around = readOutput('init_check', (await home.run(['init', '--check', '--json'])).out);
    expect(around.servers.flatMap(({ around: ways }) => ways)).toEqual([
      `Gemini CLI in ${join(home.path, '.gemini/settings.json')}: nothing stands before it`,
    ]);
    const text = readFileSync(policy, 'utf8');
    writeFileSync(policy, text.replace('default: deny', 'mode: shadow\ndefault: deny'));
    expect((await home.run(['init', '--check'])).out).toContain('is in shadow mode: nothing is denied');
    rmSync(policy);
    const gone = await home.run(['init', '--check']);
    expect([gone.status, gone.out]).toEqual([1, expect.stringContaining('does not exist')]);
    // A second run writes the policy again, and wraps what is open.
    expect((await home.run(['init', '--yes'])).status).toBe(0);
    expect((await home.run(['init', '--check'])).status).toBe(0);
  }, 120_000);

  test('tells a program that does not work any more', async () => {
    const { home } = await openWrapped('memory');
    using _ = home;
    const broken = join(home.path, '.intercept/bin/intercept');
    home.put('.intercept/bin/intercept', '#!/bin/sh\nexit 1\n');
    chmodSync(broken, 0o755);
    const text = home.text('.cursor/mcp.json');
    const [entry] = cursor?.read(text) ?? [];
    const words = [entry?.command ?? '', ...(entry?.args ?? [])];
    const changed = { command: broken, args: words.slice(words.indexOf('-c')) };
    writeFileSync(join(home.path, '.cursor/mcp.json'), JSON.stringify({ mcpServers: { memory: changed } }));
    expect((await home.run(['init', '--check'])).out).toContain('does not work');
  }, 60_000);
});

test('update adds a tool that is new, and keeps what the person wrote', async () => {
  const { home } = await openWrapped('memory');
  using _ = home;
  const policy = join(home.path, '.intercept/policies/memory.yaml');
  const text = readFileSync(policy, 'utf8');
  const without = text
    .replace(/ {2}# [^\n]*\n(?: {2} *#[^\n]*\n)* {2}read_graph:\n(?: {4}[^\n]*\n)*/, '')
    .replace('60/minute', '7/minute # mine');
  expect(without).not.toContain('read_graph');
  writeFileSync(policy, without);
  const { lacks } =
    readOutput('init_check', (await home.run(['init', '--check', '--json'])).out).servers.find(({ policy: path }) => path === policy) ?? {};
  expect(lacks).toEqual(['read_graph']);
  const update = await home.run(['init', '--update', '--yes', '--json', '--preset', 'suggested']);
  const { servers, written } = readOutput('init_update', update.out);
  expect([written, servers.find(({ changed }) => changed)?.added]).toEqual([true, ['read_graph']]);
  const after = readFileSync(policy, 'utf8');
  expect(after).toContain('7/minute # mine');
  expect(after).toContain('read_graph:');
  const again = await home.run(['init', '--update', '--yes', '--json']);
  expect(readOutput('init_update', again.out).written).toBe(false);
}, 120_000);

test('INTERCEPT_HOME joins the entry, and the policies are there', async () => {
  using home = openHome();
  home.put('.cursor/mcp.json', cursor?.write(['memory']) ?? '');
  const before = home.files();
  const env = { INTERCEPT_HOME: join(home.path, 'elsewhere') };
  expect((await home.run(['init', '--yes'], { env })).status).toBe(0);
  const { memory } = JSON.parse(home.text('.cursor/mcp.json')).mcpServers;
  expect([memory.env.INTERCEPT_HOME, memory.args]).toEqual([
    env.INTERCEPT_HOME,
    expect.arrayContaining([join(env.INTERCEPT_HOME, 'policies/memory.yaml')]),
  ]);
  expect((await home.run(['init', '--check'], { env })).status).toBe(0);
  expect((await home.run(['init', '--undo'], { env })).status).toBe(0);
  expect(home.files()).toEqual(before);
}, 60_000);

test('a file behind a link stays behind it, and other machines may have it', async () => {
  using home = openHome();
  const real = home.put('dotfiles/mcp.json', cursor?.write(['memory']) ?? '');
  mkdirSync(join(home.path, '.cursor'));
  symlinkSync(real, join(home.path, '.cursor/mcp.json'));
  const before = home.files();
  const init = await home.run(['init', '--yes']);
  expect([init.status, init.out]).toEqual([0, expect.stringContaining('Other machines may have these files')]);
  expect(readlinkSync(join(home.path, '.cursor/mcp.json'))).toBe(real);
  expect(home.text('dotfiles/mcp.json')).toContain('policies/memory.yaml');
  expect((await home.run(['init', '--undo'])).status).toBe(0);
  expect(home.files()).toEqual(before);
}, 60_000);

test('no terminal and no --yes is wrong usage; a look starts and writes nothing', async () => {
  using home = openHome();
  home.put('.cursor/mcp.json', '{"mcpServers": {"a": {"command": "touch", "args": ["started"]}}}');
  const plain = await home.run(['init']);
  expect([plain.status, plain.err]).toEqual([2, expect.stringContaining('init --yes')]);
  const look = await home.run(['init', '--dry-run']);
  expect([look.status, look.out]).toEqual([0, expect.stringContaining('"--", "touch", "started"')]);
  expect(await Array.fromAsync(new Bun.Glob('**/*').scan({ cwd: home.path, dot: true }))).toEqual(['.cursor/mcp.json']);
}, 30_000);

test('a plugin with the same server is told as a way around what was just wrapped', async () => {
  using home = openHome();
  const file = JSON.stringify({ mcpServers: { db: { command: SERVERS.memory?.command[0], args: SERVERS.memory?.command.slice(1) } } });
  home.put('.claude.json', file);
  home.put('.claude/plugins/cache/market/db/1/.mcp.json', file);
  const { servers } = readOutput('init', (await home.run(['init', '--yes', '--json'])).out);
  expect(servers.map(({ state, why }) => [state, why])).toEqual([['wrapped', expect.stringMatching(/^a way around: .*plugin/)]]);
}, 60_000);
