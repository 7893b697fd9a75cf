/** Real proxies that share a home, and the store that they share, seen from outside. */
import { join } from 'node:path';
import type { Records, Store } from '../../src/core/store.ts';
import { namespaceOf } from '../../src/run/home.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { temporaryFolder } from '../harness/paths.ts';
import { type Proxy as RunningProxy, startProxy } from '../harness/proxy.ts';
import type { Recorder } from '../harness/recorder.ts';

export interface Home {
  readonly path: string;
  start(policy: string, recorder: Recorder, flags?: readonly string[]): Promise<RunningProxy>;
  /** Runs `work` with the store of the policy of this name. */
  withStore<T>(policy: string, work: (store: Store & Records) => Promise<T>): Promise<T>;
  /** The sum of all counters of the policy of this name, in their current windows. */
  counted(policy: string): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A home that several proxies use, one after the other or at once. Use with `await using`. */
export async function openHome(): Promise<Home> {
  const { path, remove } = await temporaryFolder();
  const withStore: Home['withStore'] = async (policy, work) => {
    const store = await openSqliteStore({
      path: join(path, 'state', 'intercept.sqlite'),
      namespace: namespaceOf(undefined, policy, 'policy.yaml'),
      clock: Date.now,
      timeoutMs: 5_000,
    });
    return work(store).finally(() => store.close());
  };
  return {
    path,
    start: async (policy, recorder, flags) => {
      const proxy = await startProxy({ policy, server: recorder.command, home: path, flags });
      await proxy.client.initialize();
      return proxy;
    },
    withStore,
    counted: (policy) => withStore(policy, async (store) => (await store.counters()).reduce((sum, { micros }) => sum + micros / 1e6, 0)),
    [Symbol.asyncDispose]: remove,
  };
}

/** What became of a call, from its answer: `allowed`, or the code of the refusal. */
export async function callTool(proxy: RunningProxy, name: string, args: object = {}): Promise<string> {
  const answer = await proxy.client.request('tools/call', { name, arguments: args });
  const result = answer.result as { readonly _meta?: Readonly<Record<string, { readonly code: string }>> } | undefined;
  return result ? (result._meta?.['policylayer.com/decision']?.code ?? 'allowed') : 'error';
}
