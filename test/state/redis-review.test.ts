/** Several instances on one state server: what others write, what few replicas have, and what was lost (scale.md §4 to §6). */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import type { Records, Store } from '../../src/core/store.ts';
import { stateAt } from '../../src/state/open.ts';
import { parseAddress } from '../../src/state/redis/address.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import { approvalOf, counter, held, kinds, limited, moneyCall, reservationOf, temporaryFolder, UNIT } from './calls.ts';

const call = limited([counter('c', 'month')], 5 * UNIT);

describe.skipIf(PROGRAMS.length === 0)('instances on one state server', () => {
  let server: RedisProcess;
  let folder: ReturnType<typeof temporaryFolder>;
  const opened: (Store & Records)[] = [];
  beforeEach(async () => {
    folder = temporaryFolder();
    server = await startRedis(['--repl-diskless-sync-delay', '0']);
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await server.stop();
    folder.remove();
  });

  const location = (port = server.port) =>
    stateAt({ address: () => parseAddress(`redis://127.0.0.1:${port}`), tls: {}, sentinelLogin: undefined, folder: folder.path });
  async function open(timeoutMs = 5_000): Promise<Store & Records> {
    const store = await location().open({ namespace: 'test', timeoutMs });
    opened.push(store);
    return store;
  }
  async function admin(...commands: string[][]) {
    const link = await server.link();
    return link.send(commands, 5_000).finally(link.close);
  }

  test('that write to the same records at once fence nothing', async () => {
    const stores = await Promise.all([open(), open(), open(), open()]);
    const holds = (index: number) => Array.from({ length: 10 }, (_, at) => held(`${index} ${at}`, { maxPending: 1_000 }));
    await Promise.all(
      stores.map(async (store, index) => {
        for (const one of holds(index))
          expect(kinds(await store.reserve([one]).catch((error) => [{ kind: String(error) } as never]))).toBe('hold');
      }),
    );
    expect(await stores[0]?.approvals.list({ state: 'pending' })).toHaveLength(40);
    for (const store of stores) await store.control();
  });

  test('draws of a store that was lost go back to no other', async () => {
    const store = await open();
    const [first] = await store.reserve([call]);
    const reservation = reservationOf(first);
    await admin(['FLUSHALL']);
    await expect(store.reserve([call])).rejects.toThrow(/lost writes/);
    await location().server?.reset({ by: 'eve', now: Date.now(), fill: false });
    const other = await open();
    expect(kinds(await other.reserve([call, call, call, call, call]))).toBe('reserved reserved reserved reserved reserved');
    const settle = () =>
      store.settle([{ reservation, outcome: 'released' }]).then(
        () => true,
        () => false,
      );
    while (!(await settle())) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await other.read([counter('c', 'month')])).toMatchObject([{ micros: 5 * UNIT }]);
  });

  test('a call that takes many questions is answered in time, and what came too late goes back', async () => {
    const slow = await startSlowRelay(server.port);
    const store = await location(slow.port).open({ namespace: 'test', timeoutMs: 1_000 });
    opened.push(store);
    const { id } = approvalOf((await store.reserve([moneyCall()]))[0]);
    await store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' });
    slow.delay(400);
    await expect(store.reserve([moneyCall()])).rejects.toThrow(/in time/);
    slow.delay(0);
    for (let verdict = ''; verdict !== 'reserved'; ) verdict = await store.reserve([moneyCall()]).then(kinds, String);
    expect(await store.read([counter('paid', 'month')])).toMatchObject([{ micros: 1 }]);
    slow.stop();
  });

  describe('with a replica', () => {
    let replica: RedisProcess;
    beforeEach(async () => {
      replica = await startRedis(['--replicaof', '127.0.0.1', String(server.port)]);
      for (let replicas = ''; !/state=online/.test(replicas); ) [replicas] = (await admin(['INFO', 'replication'])) as [string];
    });
    afterEach(() => replica.stop());

    test('what too few replicas have gives a used approval back, and a draw once', async () => {
      const store = await open(2_000);
      const { id } = approvalOf((await store.reserve([moneyCall()]))[0]);
      await store.approvals.decide({ id, verdict: 'approve', by: 'eve', reason: '' });
      replica.signal('SIGSTOP');
      await expect(store.reserve([moneyCall()])).rejects.toThrow(/too few replicas/);
      replica.signal('SIGCONT');
      for (let verdict = ''; verdict !== 'reserved'; ) verdict = await store.reserve([moneyCall()]).then(kinds, () => 'failed');
    });

    test('what no replica has was acknowledged to nobody: no loss when another takes its place', async () => {
      const store = await open(2_000);
      await store.reserve([call]);
      const [applied] = (await admin(['HGETALL', '{intercept}:applied'])) as [string[]];
      replica.signal('SIGSTOP');
      await expect(store.reserve([call])).rejects.toThrow(/too few replicas/);
      replica.signal('SIGCONT');
      // As a replica has it that was promoted meanwhile.
      await admin(['HSET', '{intercept}:applied', ...applied]);
      for (let verdict = ''; verdict !== 'reserved'; ) {
        verdict = await store.reserve([call]).then(kinds, String);
        expect(verdict).not.toMatch(/lost writes/);
      }
    });
  });
});

/** Stands between store and server, and holds answers back for a while. */
async function startSlowRelay(to: number) {
  let wait = 0;
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const upstream = connectTcp(to, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => void (wait === 0 ? client.write(chunk) : setTimeout(() => client.write(chunk), wait)));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  return {
    port: (listener.address() as { port: number }).port,
    delay(ms: number) {
      wait = ms;
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}
