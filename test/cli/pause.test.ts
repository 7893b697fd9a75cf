/** policy.md §11: the kill switch says whom it reaches and whom it does not, and never says "paused" of nothing. */
import { describe, expect, test } from 'bun:test';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Instance } from '../../src/core/store.ts';
import { stateIn } from '../../src/state/open.ts';
import { interceptCommand } from '../harness/paths.ts';
import { startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { type Folder, openFolder } from './run.ts';

const POLICY = 'version: "1"\nname: shop\ndefault: deny\nmethods: {"*": allow}\ntools: {echo: [{name: few, rate_limit: 9/hour}]}\n';
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

function homeOf(folder: Folder): string {
  return String(folder.env.INTERCEPT_HOME);
}

function records(home: string): readonly Record<string, unknown>[] {
  const folder = join(home, 'events');
  return readdirSync(folder).flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

function instance(fields: Partial<Instance>): Instance {
  const row = { id: 'i', pid: process.pid, host: hostname(), namespace: 'n', policy: 'shop', upstream: 'server' };
  return { ...row, revision: 'r', startedAt: 0, confirmed: 0, seenAt: 0, ...fields };
}

async function announce(folder: Folder, ...rows: readonly Partial<Instance>[]): Promise<void> {
  const store = await stateIn(join(homeOf(folder), 'state')).open({ namespace: 'n' });
  for (const row of rows) await store.announce(instance(row));
  await store.close();
}

async function pausesOf(folder: Folder) {
  return (await stateIn(join(homeOf(folder), 'state')).read('', (store) => store.control()))?.pauses.map(({ policy }) => policy) ?? [];
}

/** A command in a process of its own, which sees proxies as people's commands do. */
function command(env: Readonly<Record<string, string | undefined>>, ...argv: readonly string[]) {
  const [program = '', ...args] = interceptCommand();
  const { status, stdout, stderr } = spawnSync(program, [...args, ...argv], { env: { ...process.env, ...env }, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('where nothing runs', () => {
  test('the first line says so, and what holds for those that start; status 1', async () => {
    using folder = openFolder();
    const { status, out } = await folder.run('pause', '--reason', 'incident 42');
    expect(out).toStartWith('nothing that runs is affected: no proxy runs with this state\n');
    expect(out).toContain('\npaused: all policies (incident 42), for those that start with it later\n');
    expect(out).toContain(join(homeOf(folder), 'state'));
    expect(status).toBe(1);
    expect(records(homeOf(folder))).toMatchObject([{ type: 'paused', reason: 'incident 42' }]);
    const resumed = await folder.run('resume');
    expect(resumed.out).toStartWith('nothing that runs is affected');
    expect(resumed.status).toBe(1);
    expect(await pausesOf(folder)).toEqual([]);
  });

  test('resume without a state makes none', async () => {
    using folder = openFolder();
    const { status, out, err } = await folder.run('resume');
    expect([status, out]).toEqual([1, '']);
    expect(err).toContain('nothing was resumed: there is no state at ');
    expect(existsSync(homeOf(folder))).toBe(false);
  });
});

describe('names', () => {
  test('one that nothing here uses is refused, with the nearest and what runs; nothing is stored', async () => {
    using folder = openFolder();
    await announce(folder, {}, { id: 'j', policy: 'files' });
    const { status, out, err } = await folder.run('pause', '--policy', 'Shop');
    expect([status, out]).toEqual([1, '']);
    expect(err).toContain('nothing was paused: no policy "Shop" is known at ');
    expect(err).toContain('what runs: "shop", "files"');
    expect(err).toContain('did you mean "shop"?');
    expect(await pausesOf(folder)).toEqual([]);
  });

  test('--force stores it for those that start, and says that nothing that runs is affected', async () => {
    using folder = openFolder();
    const { status, out } = await folder.run('pause', '--policy', 'later', '--force');
    expect(out).toStartWith('nothing that runs is affected: no proxy of that policy runs with this state\n');
    expect(out).toContain('paused: policy "later", for those that start with it later');
    expect(status).toBe(1);
    expect(await pausesOf(folder)).toEqual(['later']);
  });

  test('one that ran here before is known', async () => {
    using folder = openFolder();
    await announce(folder, { host: 'elsewhere', policy: 'old', seenAt: 0 });
    const { out } = await folder.run('pause', '--policy', 'old', '--force');
    expect(out).toContain('paused: policy "old"');
    expect((await folder.run('pause', '--policy', 'old')).out).toContain('paused: policy "old"');
  });

  test('resume refuses what is not paused, and names what is', async () => {
    using folder = openFolder();
    await folder.run('pause');
    await folder.run('pause', '--policy', 'demo', '--force');
    const wrong = await folder.run('resume', '--policy', 'Demo');
    expect(wrong.err).toContain('nothing was resumed: policy "Demo" is not paused; paused: all policies, policy "demo"');
    expect(wrong.err).toContain('did you mean "demo"?');
    expect(wrong.status).toBe(1);
    const one = await folder.run('resume');
    expect(one.out).toContain('resumed: all policies');
    expect(one.err).toContain('still paused: policy "demo"');
    expect((await folder.run('resume')).err).toContain('name it with --policy');
    expect((await folder.run('resume', '--policy', 'demo')).out).toContain('resumed: policy "demo"');
  });
});

describe('what runs', () => {
  test('an instance that does not confirm is named, and one of another policy too; status 1', async () => {
    using folder = openFolder();
    await announce(folder, { upstream: 'npx shop' }, { id: 'j', policy: undefined, upstream: 'npx files' });
    const { status, err } = await folder.run('pause', '--policy', 'shop');
    expect(err).toContain(`no answer  shop  pid ${process.pid} on ${hostname()}  guards npx shop`);
    expect(err).toContain(`goes on    (no name)  pid ${process.pid} on ${hostname()}  guards npx files`);
    expect(status).toBe(1);
  }, 120_000);

  test('a running proxy confirms, denies, and goes on after resume; it says "resumed" only then', async () => {
    await using server = await setUpRecorder();
    await using proxy = await startProxy({ policy: POLICY, server: server.command });
    await proxy.client.initialize();
    using folder = openFolder(proxy.home);
    await folder.run('pause', '--policy', 'other', '--force');
    await folder.run('resume', '--policy', 'other');
    const paused = await folder.run('pause', '--reason', 'stop');
    expect(paused.out).toMatch(/^paused: all policies \(stop\)\n {2}state {6}.*\n {2}confirmed {2}shop {2}pid \d+ on .* {2}guards /);
    expect(paused.status).toBe(0);
    expect(JSON.stringify(await proxy.client.request('tools/call', { name: 'echo', arguments: {} }))).toContain(
      'All tool calls are paused: stop',
    );
    expect(await folder.run('resume')).toMatchObject({ status: 0, out: expect.stringContaining('confirmed') });
    expect(JSON.stringify(await proxy.client.request('tools/call', { name: 'echo', arguments: {} }))).not.toContain('paused');
    expect(proxy.client.stderr().match(/WARN (?:paused: stop|resumed)/g)).toEqual(['WARN paused: stop', 'WARN resumed']);
  });

  test('a proxy that starts while it is paused says so', async () => {
    await using server = await setUpRecorder();
    using folder = openFolder();
    await folder.run('pause', '--reason', 'night');
    await using proxy = await startProxy({ policy: POLICY, server: server.command, home: homeOf(folder) });
    await proxy.client.initialize();
    expect(proxy.client.stderr()).toContain('WARN paused: night');
    const started = await proxy.untilRecords('its start', (all) => all.some(({ type }) => type === 'startup'));
    expect(started.find(({ pid }) => pid !== undefined)).toMatchObject({ type: 'startup', seq: 1 });
  });
});

describe.skipIf(!existsSync('/proc/1'))('what runs elsewhere', () => {
  test('a proxy of another home is named, with the command that reaches it', async () => {
    await using server = await setUpRecorder();
    await using proxy = await startProxy({ policy: POLICY, server: server.command });
    await proxy.client.initialize();
    using folder = openFolder();
    const { status, stdout, stderr } = command({ INTERCEPT_HOME: homeOf(folder) }, 'pause');
    expect(stdout).toStartWith('nothing that runs is affected');
    expect(stderr).toContain('not reached: ');
    expect(stderr).toContain(`${proxy.policyFile}  state ${join(proxy.home, 'state')}`);
    const advice = `env INTERCEPT_HOME=${proxy.home} intercept pause --state-dir ${join(proxy.home, 'state')}`;
    expect(stderr).toContain(advice);
    expect(status).toBe(1);
    const followed = command({ INTERCEPT_HOME: proxy.home }, 'pause', '--state-dir', join(proxy.home, 'state'));
    expect([followed.status, followed.stdout]).toEqual([0, expect.stringContaining('confirmed  shop')]);
    expect(followed.stderr).not.toContain(proxy.policyFile);
    const { elsewhere } = JSON.parse(command({ INTERCEPT_HOME: homeOf(folder) }, 'pause', '--json').stdout);
    expect(elsewhere).toContainEqual(
      expect.objectContaining({ config: proxy.policyFile, home: proxy.home, state: join(proxy.home, 'state') }),
    );
  });

  test('a store that was taken away from a proxy that runs is not made anew', async () => {
    await using server = await setUpRecorder();
    await using proxy = await startProxy({ policy: POLICY, server: server.command });
    await proxy.client.initialize();
    rmSync(join(proxy.home, 'state'), { recursive: true });
    const { status, stdout, stderr } = command({ INTERCEPT_HOME: proxy.home }, 'pause');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('nothing was paused: the store of ');
    expect(stderr).toContain('is gone, and a proxy runs with it (pid ');
    expect(existsSync(join(proxy.home, 'state'))).toBe(false);
  });

  test.skipIf(!isRoot)('one of another user is seen, by whoever asks, but not where its state is', async () => {
    using folder = openFolder();
    const [program = '', ...args] = interceptCommand();
    mkdirSync(homeOf(folder));
    chmodSync(folder.path, 0o755);
    chownSync(homeOf(folder), NOBODY, NOBODY);
    const policy = folder.write('shop.yaml', POLICY);
    const env = { ...process.env, INTERCEPT_HOME: homeOf(folder) };
    const asNobody = { env, uid: NOBODY, gid: NOBODY, cwd: '/' };
    const theirs = spawn(program, [...args, '-c', policy, '--', 'cat'], { ...asNobody, stdio: ['pipe', 'ignore', 'pipe'] });
    for await (const line of theirs.stderr) if (String(line).includes('in force')) break;
    using mine = openFolder();
    const { stderr } = command({ INTERCEPT_HOME: homeOf(mine) }, 'pause');
    expect(stderr).toContain(`pid ${theirs.pid} of user ${NOBODY}  ${policy}  state ${join(homeOf(folder), 'state')}`);
    expect(stderr).toContain(`sudo -u '#${NOBODY}' env INTERCEPT_HOME=${homeOf(folder)} intercept pause`);
    await using server = await setUpRecorder();
    await using proxy = await startProxy({ policy: POLICY, server: server.command });
    await proxy.client.initialize();
    const asked = spawnSync(program, [...args, 'pause'], { ...asNobody, encoding: 'utf8' });
    expect([asked.status, asked.stdout]).toEqual([0, expect.stringContaining(`confirmed  shop  pid ${theirs.pid}`)]);
    expect(asked.stderr).toContain(`of user 0  ${proxy.policyFile}  its state cannot be seen`);
    theirs.kill();
    await once(theirs, 'close');
  });
});

describe('a store that is not to be had', () => {
  test('one that somebody has locked: nothing was paused, and what runs is named as not affected', async () => {
    using folder = openFolder();
    await announce(folder);
    const lock = new DatabaseSync(join(homeOf(folder), 'state/intercept.sqlite'));
    lock.exec('BEGIN IMMEDIATE');
    const { status, out, err } = await folder.run('pause');
    expect([status, out]).toEqual([1, '']);
    expect(err).toContain('nothing was paused: ');
    expect(err).toContain('help: ');
    lock.exec('ROLLBACK');
    lock.close();
    expect(await pausesOf(folder)).toEqual([]);
  }, 120_000);
});
