/** `intercept state`, and the other commands, on a state server: with proxies of two homes that share it (scale.md §1, §6). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import { openFolder } from './run.ts';

const POLICY = `version: "1"
name: shared
tools:
  echo: {rules: [{name: few, rate_limit: 3/day}]}
  danger: {rules: [{action: require_approval}]}
  once: {idempotency_window: 1h, rules: []}
`;

describe.skipIf(PROGRAMS.length === 0)('on a state server', () => {
  let server: RedisProcess;
  let dsn: string;
  beforeAll(async () => {
    server = await startRedis(['--appendonly', 'yes']);
    dsn = `redis://${server.host}:${server.port}`;
  });
  afterAll(() => server.stop());
  const admin = async (...command: string[]) => {
    const link = await server.link();
    await link.send([command], 5_000).finally(link.close);
  };
  beforeEach(() => admin('FLUSHALL'));

  async function start() {
    const recorder = await setUpRecorder({ tools: [{ name: 'echo' }, { name: 'danger' }, { name: 'once' }] });
    // A call may wait long for its turn on a busy machine.
    const flags = ['--state-dsn', dsn, '--state-timeout', '30s'];
    const proxy = await startProxy({ policy: POLICY, server: recorder.command, flags });
    await proxy.client.initialize();
    const call = async (name: string, args: object = {}) => {
      const answer = await proxy.client.request('tools/call', { name, arguments: args });
      return answer.result?._meta?.['policylayer.com/decision']?.code ?? 'passed';
    };
    const end = async () => {
      await proxy[Symbol.asyncDispose]();
      await recorder[Symbol.asyncDispose]();
    };
    return { ...proxy, call, end };
  }

  test('two homes share limits, approvals, results and the pause', async () => {
    const [one, other] = [await start(), await start()];
    const folder = openFolder(one.home);
    folder.env.INTERCEPT_STATE_DSN = dsn;
    try {
      expect([await one.call('echo'), await other.call('echo'), await one.call('echo')]).toEqual(['passed', 'passed', 'passed']);
      expect([await one.call('echo'), await other.call('echo')]).toEqual(['rate_limit', 'rate_limit']);
      expect(await one.call('danger', { n: 1 })).toBe('approval_required');
      const [{ id }] = JSON.parse((await folder.run('approvals', 'list', '--json')).out);
      expect((await folder.run('approvals', 'approve', id)).status).toBe(0);
      const status = JSON.parse((await folder.run('status', '--json')).out);
      expect(status).toMatchObject({ state: dsn, stored: true });
      expect(status.instances).toHaveLength(2);
      expect((await folder.run('pause', '--reason', 'look')).status).toBe(0);
      expect([await one.call('once'), await other.call('once')]).toEqual(['paused', 'paused']);
      expect((await folder.run('resume')).status).toBe(0);
      expect(await one.call('once')).toBe('passed');
      const state = await folder.run('state');
      expect(state.status).toBe(0);
      expect(state.out).toMatch(/by 2 instances that run/);
    } finally {
      folder[Symbol.dispose]();
      await one.end();
      await other.end();
    }
  }, 120_000);

  test('a loss is seen, said and accepted', async () => {
    const proxy = await start();
    const folder = openFolder(proxy.home);
    folder.env.INTERCEPT_STATE_DSN = dsn;
    try {
      expect(await proxy.call('echo')).toBe('passed');
      await admin('FLUSHALL');
      expect(await proxy.call('echo')).toBe('state_error');
      const fenced = await folder.run('state');
      expect(fenced.status).toBe(1);
      expect(fenced.out).toMatch(/^FENCED .* the store is another one than before/);
      expect((await folder.run('state', 'reset')).err).toMatch(/add --accept-loss/);
      expect((await folder.run('state', 'reset', '--accept-loss', '--fill')).status).toBe(0);
      // The proxy joins by itself, and is paused.
      for (let code = 'state_error'; code === 'state_error'; code = await proxy.call('once'))
        await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await proxy.call('once')).toBe('paused');
      // Its row was lost as well, so the command may not have known whom to wait for.
      await folder.run('resume');
      for (let code = 'paused'; code === 'paused'; code = await proxy.call('echo')) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await proxy.call('echo')).toBe('rate_limit');
      expect(await proxy.call('once')).toBe('passed');
    } finally {
      folder[Symbol.dispose]();
      await proxy.end();
    }
  }, 120_000);

  test('status says where to look when there is nothing on the server', async () => {
    using folder = openFolder();
    const { out } = await folder.run('status', '--state-dsn', dsn);
    expect(out).toStartWith(`no state at ${dsn}: no proxy has run with it yet, or it was lost: see "intercept state"\n`);
  });

  test('move takes everything to a folder and back, while nothing runs, and leaves the old state paused', async () => {
    const proxy = await start();
    const folder = openFolder(proxy.home);
    const dir = join(folder.path, 'moved');
    const policy = folder.write('policy.yaml', POLICY);
    const counted = async (...where: string[]) =>
      JSON.parse((await folder.run('status', '-c', policy, '--json', ...where)).out).policies.flatMap(
        (policy: { counters: { value: string }[] }) => policy.counters.map(({ value }) => value),
      );
    try {
      for (const name of ['echo', 'echo', 'danger', 'once']) await proxy.call(name);
      const refused = await folder.run('state', 'move', '--state-dsn', dsn, '--to-dir', dir);
      expect(refused.err).toMatch(/nothing was moved: 1 proxy runs with it/);
      await proxy.end();
      const moved = await folder.run('state', 'move', '--state-dsn', dsn, '--to-dir', dir, '--json');
      expect(JSON.parse(moved.out)).toMatchObject({ from: dsn, to: dir, approvals: 1, claims: 1 });
      expect(await counted('--state-dir', dir)).toEqual(await counted('--state-dsn', dsn));
      expect((await folder.run('status', '--state-dsn', dsn)).out).toMatch(/PAUSED all policies .* the state was moved/);
      expect((await folder.run('status', '--state-dir', dir)).out).not.toMatch(/PAUSED/);
      expect((await folder.run('state', 'move', '--state-dir', dir, '--to-dsn', dsn)).err).toMatch(/there is a state at .* already/);
      await admin('FLUSHALL');
      folder.env.INTERCEPT_HOME = join(folder.path, 'another');
      const back = await folder.run('state', 'move', '--state-dir', dir, '--to-dsn', dsn);
      expect(back.status).toBe(0);
      expect(back.out).toMatch(/^moved \d+ counters?, 1 approval and 1 idempotent call\n/);
      const [approval] = JSON.parse((await folder.run('approvals', 'list', '--json', '--state-dsn', dsn)).out);
      expect(approval).toMatchObject({ tool: 'danger', state: 'pending' });
      const claims = JSON.parse((await folder.run('idempotency', 'list', '--json', '--state-dsn', dsn)).out);
      expect(claims).toMatchObject([{ tool: 'once', state: 'done' }]);
    } finally {
      folder[Symbol.dispose]();
      await proxy.end();
    }
  }, 120_000);
});

test('a server that is not there is named in words', async () => {
  using folder = openFolder();
  const { status, err } = await folder.run('state', '--state-dsn', 'redis://127.0.0.1:1');
  expect([status, err]).toEqual([
    1,
    'intercept: cannot reach the state server: it refuses connections: is it running, and is this its port?\n',
  ]);
});
