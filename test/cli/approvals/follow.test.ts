/** `approvals watch` for programs and pipes: a line for each event (cli.md §3). */
import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { stateIn } from '../../../src/state/open.ts';
import { openClient } from '../../harness/client.ts';
import { interceptCommand } from '../../harness/paths.ts';
import { startProxy } from '../../harness/proxy.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';
import { approvalOf, held, reservationOf } from '../../state/calls.ts';
import { openFolder } from '../run.ts';

async function watch(...flags: readonly string[]) {
  const folder = openFolder();
  const home = join(folder.path, 'home');
  const store = await stateIn(join(home, 'state')).open({ namespace: 'shop' });
  const ask = async (name: string) => approvalOf((await store.reserve([held(name)]))[0]).id;
  return {
    store,
    ask,
    start: () => openClient([...interceptCommand(), 'approvals', 'watch', ...flags], { env: { INTERCEPT_HOME: home } }),
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

describe('cli.md §3: approvals watch without a terminal', () => {
  test('--json: what waits already, then every event once, in order, until it is stopped', async () => {
    await using shop = await watch('--json');
    const decided = await shop.ask('decided before');
    await shop.store.approvals.decide({ id: decided, verdict: 'deny', by: 'ada', reason: '' });
    const first = await shop.ask('a');
    const watcher = shop.start();
    await watcher.next();
    const second = await shop.ask('b');
    await watcher.next();
    await shop.store.approvals.decide({ id: first, verdict: 'approve', by: 'ada', reason: 'fine' });
    await shop.store.settle([{ reservation: reservationOf((await shop.store.reserve([held('a')]))[0]), outcome: 'committed' }]);
    await until('four lines', () => watcher.frames.length >= 4 || undefined);
    watcher.kill('SIGTERM');
    expect(await watcher.exited).toEqual({ code: 0, signal: null });
    const events = watcher.frames.map(({ text }) => JSON.parse(text));
    expect(events.map(({ type, approval }) => [type, approval.id])).toEqual([
      ['approval.requested', first],
      ['approval.requested', second],
      ['approval.approved', first],
      ['approval.consumed', first],
    ]);
    expect(events[2]).toMatchObject({
      at: expect.stringMatching(/Z$/),
      approval: { decided_by: 'ada', reason: 'fine', args: { id: 'sub_1' } },
    });
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map(({ sequence }) => sequence).toSorted((a, b) => a - b));
  }, 120_000);

  test('text: one line each, which no argument can forge', async () => {
    await using shop = await watch();
    const [verdict] = await shop.store.reserve([held('a', { args: '{"x":"\\n2026"}', tool: 'a\nb' })]);
    const { id } = approvalOf(verdict);
    const watcher = shop.start();
    const { text } = await watcher.next();
    expect(text).toContain(` approval.requested ${id} tool=a\\u000ab rule="ask" args={"x":"\\n2026"}`);
    watcher.kill('SIGINT');
    await watcher.exited;
    expect(watcher.frames).toHaveLength(1);
  }, 120_000);
});

describe('policy.md §12: the start says who can decide', () => {
  const policy = 'version: "1"\ntools: {echo: [{action: require_approval}]}\n';
  test('as long as no secret is set', async () => {
    await using server = await setUpRecorder();
    await using proxy = await startProxy({ policy, server: server.command });
    await proxy.client.initialize();
    await until('the notice', () => proxy.client.stderr().includes('whoever runs as this user can decide') || undefined);
    using folder = openFolder(proxy.home);
    folder.env.INTERCEPT_APPROVER_TOKEN = 'correct horse';
    await folder.run('approvals', 'protect');
    await using second = await startProxy({ policy, server: server.command, home: proxy.home });
    await second.client.initialize();
    await second.client.close();
    expect(second.client.stderr()).toContain('in force');
    expect(second.client.stderr()).not.toContain('whoever runs as this user');
  }, 120_000);
});
