/** What a server may do to a store (scale.md §5, §6): each ends in no call over the limit, or in a fence that a human lifts. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import type { Records, Store } from '../../src/core/store.ts';
import { stateAt } from '../../src/state/open.ts';
import { parseAddress } from '../../src/state/redis/address.ts';
import { PROGRAMS, type RedisProcess, startRedis } from '../harness/redis-server.ts';
import { claiming, counter, kinds, limited, reservationOf, temporaryFolder, UNIT } from './calls.ts';

const FENCED = /the state server lost writes; see "intercept state"/;
const call = limited([counter('c', 'month')], 5 * UNIT);

describe.skipIf(PROGRAMS.length === 0)('a state server', () => {
  let server: RedisProcess;
  let folder: ReturnType<typeof temporaryFolder>;
  const opened: (Store & Records)[] = [];
  const ended: (() => unknown)[] = [];
  beforeEach(async () => {
    folder = temporaryFolder();
    server = await startRedis(['--repl-diskless-sync-delay', '0']);
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    for (const end of ended.splice(0)) await end();
    await server.stop();
    folder.remove();
  });

  async function open(port = server.port, timeoutMs = 1_000, path = folder.path): Promise<Store & Records> {
    const address = () => parseAddress(`redis://127.0.0.1:${port}`);
    const store = await stateAt({ address, tls: {}, sentinelLogin: undefined, folder: path }).open({ namespace: 'test', timeoutMs });
    opened.push(store);
    return store;
  }
  async function admin(...commands: string[][]) {
    const link = await server.link();
    return link.send(commands, 5_000).finally(link.close);
  }
  /** Asks until the answer is no longer that the server cannot be reached; it reconnects by itself. */
  async function afterReconnect<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!/cannot (be )?reach|does not answer/.test(String(error))) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  test('that was killed and kept nothing is fenced, for whoever was there and whoever comes', async () => {
    const store = await open();
    expect(kinds(await store.reserve([call, call]))).toBe('reserved reserved');
    await store.control();
    await server.kill();
    await expect(store.reserve([call])).rejects.toThrow(/state server/);
    await server.restart();
    await expect(afterReconnect(() => store.reserve([call]))).rejects.toThrow(FENCED);
    await expect(open()).rejects.toThrow(FENCED);
    // Another host, which never saw the store, finds the fence.
    const other = temporaryFolder();
    ended.push(other.remove);
    await expect(open(server.port, 1_000, other.path)).rejects.toThrow(FENCED);
  });

  test('that was emptied is fenced', async () => {
    const store = await open();
    await store.reserve([call]);
    await admin(['FLUSHALL']);
    await expect(afterReconnect(() => store.reserve([call]))).rejects.toThrow(FENCED);
    await expect(store.control()).rejects.toThrow(FENCED);
  });

  test('that has an older state than it acknowledged is fenced', async () => {
    const store = await open();
    await store.reserve([call]);
    const [applied] = await admin(['HGETALL', '{intercept}:applied']);
    await store.reserve([call]);
    const [instance = '', number = ''] = applied as string[];
    await admin(['HSET', '{intercept}:applied', instance, number]);
    await expect(store.reserve([call])).rejects.toThrow(FENCED);
  });

  test('that was restored from before the last start of this host is fenced', async () => {
    const store = await open();
    await store.reserve([call]);
    await store.control();
    await store.close();
    await admin(['HSET', '{intercept}:head', 'tick', '0']);
    await expect(open()).rejects.toThrow(FENCED);
  });

  test('that kept everything goes on after kill -9', async () => {
    await server.stop();
    server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    const store = await open();
    expect(kinds(await store.reserve([call, call, call]))).toBe('reserved reserved reserved');
    await server.kill();
    await server.restart();
    expect(kinds(await afterReconnect(() => store.reserve([call, call, call])))).toBe('reserved reserved deny');
  });

  test('whose scripts were flushed gets them again', async () => {
    const store = await open();
    await store.reserve([call]);
    await admin(['SCRIPT', 'FLUSH']);
    expect(kinds(await store.reserve([call]))).toBe('reserved');
    expect(await store.read([counter('c', 'month')])).toMatchObject([{ micros: 2 * UNIT }]);
  });

  test('that hangs denies within the time-out, and works again when it wakes', async () => {
    const store = await open(server.port, 250);
    await store.reserve([call]);
    server.signal('SIGSTOP');
    const before = performance.now();
    await expect(store.reserve([call])).rejects.toThrow(/state server/);
    await expect(store.reserve([call])).rejects.toThrow(/state server/);
    expect(performance.now() - before).toBeLessThan(5_000);
    server.signal('SIGCONT');
    expect(kinds(await afterReconnect(() => store.reserve([call])))).toBe('reserved');
  });

  test('whose memory is full denies, and forgets nothing', async () => {
    const store = await open();
    await store.reserve([call]);
    await admin(['CONFIG', 'SET', 'maxmemory', '1']);
    await expect(store.reserve([call])).rejects.toThrow(/OOM/);
    await admin(['CONFIG', 'SET', 'maxmemory', '0']);
    expect(kinds(await afterReconnect(() => store.reserve([call, call, call, call, call])))).toBe(
      'reserved reserved reserved reserved deny',
    );
  });

  test('that evicts, or is a replica, is refused with the line to type', async () => {
    await admin(['CONFIG', 'SET', 'maxmemory', '100mb'], ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']);
    await expect(open()).rejects.toThrow(/type "CONFIG SET maxmemory-policy noeviction" at it/);
    await admin(['CONFIG', 'SET', 'maxmemory', '0'], ['REPLICAOF', '127.0.0.1', '1']);
    await expect(open()).rejects.toThrow(/is a replica/);
  });

  test('whose connection is cut before the answer: the draw stays spent, the claim is given back', async () => {
    const relay = await startRelay(server.port);
    ended.push(relay.stop);
    const store = await open(relay.port);
    const money = { ...call, claim: claiming('k').claim };
    // The script is known at the server from here on: what is asked next runs at once.
    await store.reserve([call]);
    relay.swallowAnswers();
    await expect(store.reserve([money])).rejects.toThrow(/state server/);
    relay.heal();
    const [verdict] = await afterReconnect(() => store.reserve([money]));
    expect(verdict?.kind).toBe('reserved');
    expect(await store.read([counter('c', 'month')])).toMatchObject([{ micros: 3 * UNIT }]);
    await store.settle([{ reservation: reservationOf(verdict), outcome: 'committed', result: '{}' }]);
    expect(kinds(await store.reserve([money]))).toBe('replay');
  });

  test('whose settlement is not answered: what may have gone back goes back no second time', async () => {
    const relay = await startRelay(server.port);
    ended.push(relay.stop);
    const store = await open(relay.port);
    const [first, second] = await store.reserve([call, call]);
    const settlement = { reservation: reservationOf(first), outcome: 'released' as const };
    relay.swallowAnswers();
    await expect(store.settle([settlement])).rejects.toThrow(/state server/);
    relay.heal();
    await afterReconnect(() => store.settle([settlement]));
    expect(second?.kind).toBe('reserved');
    expect(await store.read([counter('c', 'month')])).toMatchObject([{ micros: UNIT }]);
  });

  describe('with a replica', () => {
    let replica: RedisProcess;
    beforeEach(async () => {
      replica = await startRedis(['--replicaof', '127.0.0.1', String(server.port)]);
      for (let replicas = ''; !/state=online/.test(replicas); ) [replicas] = (await admin(['INFO', 'replication'])) as [string];
    });
    afterEach(() => replica.stop());

    test('a call waits until the replica has its draw, and none goes on without', async () => {
      const store = await open(server.port, 3_000);
      expect(kinds(await store.reserve([call]))).toBe('reserved');
      replica.signal('SIGSTOP');
      await expect(store.reserve([call])).rejects.toThrow(/too few replicas/);
      await expect(store.control()).rejects.toThrow(/too few replicas/);
      replica.signal('SIGCONT');
      // What nobody confirmed was given back, as far as it was made.
      for (;;) {
        const verdicts = await store.reserve([call]).catch(() => undefined);
        if (verdicts) break;
      }
      expect(await store.read([counter('c', 'month')])).toMatchObject([{ micros: 2 * UNIT }]);
    });

    test('that takes its place has all that was acknowledged', async () => {
      // A replica answers late on a busy machine.
      const store = await open(server.port, 20_000);
      expect(kinds(await store.reserve([call, call, call]))).toBe('reserved reserved reserved');
      await server.kill();
      const link = await replica.link();
      await link.send([['REPLICAOF', 'NO', 'ONE']], 1_000);
      await link.send([['HSET', '{intercept}:head', 'replicas', '0']], 1_000).finally(link.close);
      const successor = await open(replica.port);
      expect(kinds(await successor.reserve([call, call, call]))).toBe('reserved reserved deny');
    });
  });
});

interface Relay {
  readonly port: number;
  swallowAnswers(): void;
  heal(): void;
  stop(): void;
}

/** Stands between store and server, and can lose answers: then it cuts the connection, some time after the request went on. */
async function startRelay(to: number): Promise<Relay> {
  let swallows = false;
  const sockets = new Set<Socket>();
  const listener: Server = createServer((client) => {
    const upstream = connectTcp(to, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (!swallows) return client.write(chunk);
      client.destroy();
      return false;
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  return {
    port: (listener.address() as { port: number }).port,
    swallowAnswers: () => {
      swallows = true;
    },
    heal: () => {
      swallows = false;
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}
