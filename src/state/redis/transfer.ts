/** Reads the whole content of a store on a server, and writes one (`state/move.ts`). */
import type { Pause } from '../../core/store.ts';
import { type Movable, type MovedCounter, type MovedRecord, type MovedState, partsOf, UNDER_WAY } from '../move.ts';
import type { ChallengeRow } from '../rows.ts';
import { scopeOf } from '../scope.ts';
import { parseHead, type StoredHead } from './approvals.ts';
import { claimOf } from './claims.ts';
import { pauseOf } from './control.ts';
import type { RowDraft } from './draft.ts';
import { approvalKeys, counterOf, KEYS, namespaceKeys } from './keys.ts';
import { portsOf, type RedisPorts } from './ports.ts';
import { stepRows } from './rows.ts';
import { openServer, type StateServerOptions } from './server.ts';

/** Things that are read, or written, at once. */
const STEP = 200;

/** Opens a store for that. Rejects with `StoreError`. */
export async function openTransfer(options: StateServerOptions): Promise<Movable & { close(): Promise<void> }> {
  const server = await openServer(options);
  const ports = portsOf(server, { ...options, namespace: '' });
  return { dump: () => dumpStore(ports), load: (state) => loadStore(ports, state), close: server.close };
}

async function dumpStore(ports: RedisPorts): Promise<MovedState> {
  const [names, age, claims, pauses, secret] = await all(ports, [
    ['SMEMBERS', KEYS.namespaces],
    ['ZRANGE', KEYS.age, '0', '-1'],
    ['ZRANGE', KEYS.claimsByAge, '0', '-1'],
    ['HVALS', KEYS.pauses],
    ['HGET', KEYS.head, 'secret'],
  ]);
  const namespaces = names as readonly string[];
  return {
    counters: (await Promise.all(namespaces.map((namespace) => counters(ports, namespace)))).flat(),
    records: await records(ports, age as readonly string[]),
    claims: await each(
      ports,
      claims as readonly string[],
      (key) => [['HGETALL', key]],
      ([fields]) => {
        const stored = claimOf(fields as readonly string[]);
        if (!stored) return [];
        const { namespace, ...row } = stored;
        return [{ namespace, row }];
      },
    ),
    challenges: (await Promise.all(namespaces.map((namespace) => challenges(ports, namespace)))).flat(),
    pauses: (pauses as readonly string[]).map(pauseOf),
    secret: (secret as string | null) ?? undefined,
  };
}

/** Writes it into a store that has nothing yet. */
async function loadStore(ports: RedisPorts, state: MovedState): Promise<void> {
  const { secret, pauses } = state;
  const pause = (draft: RowDraft, policy: string | undefined, reason: string, since: number) =>
    draft.write('HSET', { key: KEYS.pauses }, scopeOf(policy), JSON.stringify({ policy, reason, since } satisfies Pause));
  await ports.transact((draft) => {
    if (secret !== undefined) draft.write('HSET', { key: KEYS.head }, 'secret', secret);
    pause(draft, undefined, UNDER_WAY, draft.now);
    draft.write('HINCRBY', { key: KEYS.head }, 'sequence', '1');
  });
  for (const { namespace, write } of partsOf(state, STEP))
    await ports.transact((draft) => {
      draft.write('SADD', { key: KEYS.namespaces }, namespace);
      write(stepRows(draft, namespace));
    });
  await ports.transact((draft) => {
    draft.write('HDEL', { key: KEYS.pauses }, scopeOf(undefined));
    for (const { policy, reason, since } of pauses) pause(draft, policy, reason, since);
    draft.write('HINCRBY', { key: KEYS.head }, 'sequence', '1');
  });
}

async function counters(ports: RedisPorts, namespace: string): Promise<readonly MovedCounter[]> {
  const names = namespaceKeys(namespace);
  const [members] = await all(ports, [['ZRANGE', names.counters, '0', '-1']]);
  const refs = (members as readonly string[]).map(counterOf);
  return each(
    ports,
    refs,
    (ref) => [['HGETALL', names.counter(ref)]],
    ([fields], counter) => {
      const flat = fields as readonly string[];
      return flat.flatMap((start, index) =>
        index % 2 === 0 ? [{ namespace, counter, start: Number(start), micros: Number(flat[index + 1]) }] : [],
      );
    },
  );
}

function records(ports: RedisPorts, ids: readonly string[]): Promise<readonly MovedRecord[]> {
  const commands = (id: string) => [
    ['HMGET', approvalKeys(id).record, 'head', 'body'],
    ['GET', approvalKeys(id).args],
  ];
  return each(ports, ids, commands, ([fields, args]) => {
    const [head, body] = fields as readonly (string | null)[];
    if (!head || !body) return [];
    const stored: StoredHead = parseHead(head);
    const { fingerprint, call, tool, agent, agentKey, notify, namespace } = stored;
    const names = { fingerprint, call, tool, agent, agentKey, notify, args: (args as string | null) ?? '' };
    return [
      { namespace, head: stored, hold: { ...names, ...(JSON.parse(body) as Pick<MovedRecord['hold'], 'rule' | 'message' | 'evidence'>) } },
    ];
  });
}

async function challenges(ports: RedisPorts, namespace: string) {
  const [found] = await all(ports, [['HVALS', namespaceKeys(namespace).challenges]]);
  return (found as readonly string[]).map((text) => ({ namespace, row: JSON.parse(text) as ChallengeRow }));
}

type Replies = Awaited<ReturnType<RedisPorts['look']>>['replies'];

async function all({ look }: RedisPorts, commands: readonly (readonly string[])[]): Promise<Replies> {
  return (await look(commands)).replies;
}

/** Reads so many things at once that neither they nor their replies are large. */
async function each<T, R>(
  ports: RedisPorts,
  things: readonly T[],
  commandsOf: (thing: T) => readonly (readonly string[])[],
  parse: (replies: Replies, thing: T) => readonly R[],
): Promise<readonly R[]> {
  const found: R[] = [];
  for (let at = 0; at < things.length; at += STEP) {
    const some = things.slice(at, at + STEP);
    const width = some[0] === undefined ? 0 : commandsOf(some[0]).length;
    const replies = await all(ports, some.flatMap(commandsOf));
    for (const [index, thing] of some.entries()) found.push(...parse(replies.slice(index * width, (index + 1) * width), thing));
  }
  return found;
}
