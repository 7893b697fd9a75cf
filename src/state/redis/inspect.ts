/** Describes a state server for people, and lets them go on after a loss (scale.md §1, §6). */
import { randomUUID } from 'node:crypto';
import { StoreError } from '../../core/store.ts';
import { expire } from '../approvals.ts';
import { approvalRows, loadHeads } from './approvals.ts';
import { claimRows, loadClaim } from './claims.ts';
import { type ConnectOptions, createConnector, readFacts, type ServerFacts } from './connect.ts';
import type { Fence } from './fence.ts';
import { KEYS } from './keys.ts';
import { checked, type Link, type RedisReply } from './link.ts';
import { portsOf, type RedisPorts } from './ports.ts';
import type { Memory } from './remember.ts';
import { scriptOf } from './script.ts';
import { openServer } from './server.ts';

/** A state server as people see it. */
export interface StateServer extends Omit<ServerFacts, 'run'> {
  readonly epoch: string | undefined;
  /** Replicas that must have a write before a call goes on. */
  readonly replicasAsked: number;
  /** Instances that were heard in the last 15 s. */
  readonly instances: number;
  readonly writes: number;
  readonly keys: number;
  readonly fence: Fence | undefined;
}

/** An instance that was heard this long ago is there, ms. */
const HEARD = 15_000;

/** Describes the server and the store on it. Rejects with `StoreError`. */
export function describeServer(options: ConnectOptions, timeoutMs: number): Promise<StateServer> {
  return withLink(options, timeoutMs, async (link) => {
    const facts = await readFacts(link, timeoutMs);
    const [head, seen, keys, time] = await ask(link, timeoutMs, [
      ['HMGET', KEYS.head, 'epoch', 'replicas', 'tick', 'fence'],
      ['HVALS', KEYS.seen],
      ['INFO', 'keyspace'],
      ['TIME'],
    ]);
    const [epoch, replicasAsked, writes, fence] = head as readonly (string | null)[];
    const now = Number((time as readonly string[])[0]) * 1000;
    const { run: _, ...shown } = facts;
    return {
      ...shown,
      epoch: epoch ?? undefined,
      replicasAsked: Number(replicasAsked ?? 0),
      instances: (seen as readonly string[]).filter((at) => Number(at) >= now - HEARD).length,
      writes: Number(writes ?? 0),
      keys: Number(/keys=(\d+)/.exec(String(keys))?.[1] ?? 0),
      fence: fence ? (JSON.parse(fence) as Fence) : undefined,
    };
  });
}

/** The hash of the approver secret: the store's, or where it has lost it the one that this host remembers. Rejects with `StoreError`. */
export function knownSecret(options: ConnectOptions, memory: Memory, timeoutMs: number): Promise<string | undefined> {
  return withLink(options, timeoutMs, async (link) => {
    const [secret] = await ask(link, timeoutMs, [['HGET', KEYS.head, 'secret']]);
    return typeof secret === 'string' ? secret : memory.read()?.secret;
  });
}

/** Says how many replicas must have a write. Rejects with `StoreError` where there is no store, or there are not so many. */
export function setReplicas(options: ConnectOptions, count: number, timeoutMs: number): Promise<void> {
  return withLink(options, timeoutMs, async (link) => {
    const { replicas } = await readFacts(link, timeoutMs);
    if (count > replicas)
      throw new StoreError(
        `${replicas} ${replicas === 1 ? 'replica is' : 'replicas are'} connected; with ${count} asked for, every call would be denied`,
        { help: 'connect more replicas first, or ask for fewer' },
      );
    const [set] = await ask(link, timeoutMs, [['EVAL', SET_REPLICAS.text, '1', KEYS.head, String(count)]]);
    if (set === 0)
      throw new StoreError('there is no store yet: no proxy has run with this server', { help: 'start a proxy with it first' });
  });
}

const SET_REPLICAS = scriptOf(`
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'replicas', ARGV[1])
return 1
`);

export interface Reset {
  readonly by: string;
  readonly now: number;
  /** Every window longer than a minute that began before now counts as full, where its key is lost, too. */
  readonly fill: boolean;
}

/**
 * Goes on with what is there: what was approved expires, claims in flight become unknown, everything is paused until a
 * human resumes it, and those who knew the lost store join this one. Answers with the fence that was lifted; rejects with
 * `StoreError`.
 */
export async function resetStore(options: ConnectOptions, memory: Memory, how: Reset, timeoutMs: number): Promise<Fence | undefined> {
  const fence = await liftFence(options, memory, how, timeoutMs);
  const server = await openServer({ connect: createConnector(options), memory, timeoutMs });
  try {
    await endLeases(portsOf(server, { connect: createConnector(options), timeoutMs, namespace: '' }));
  } finally {
    await server.close();
  }
  return fence;
}

function liftFence(options: ConnectOptions, memory: Memory, { by, now, fill }: Reset, timeoutMs: number): Promise<Fence | undefined> {
  return withLink(options, timeoutMs, async (link) => {
    const pause = { reason: `state was lost and accepted as it is by ${by}`, since: now };
    const known = memory.read();
    const keys = [KEYS.head, KEYS.applied, KEYS.pauses, KEYS.seen];
    const [fence, epoch] = (await ask(link, timeoutMs, [
      [
        'EVAL',
        RESET.text,
        '4',
        ...keys,
        randomUUID(),
        JSON.stringify(pause),
        known?.epoch ?? '',
        String(now),
        fill ? '1' : '',
        known?.secret ?? '',
      ],
    ]).then(([reply]) => reply)) as readonly (string | null)[];
    if (epoch) memory.write({ epoch, tick: 0, secret: known?.secret });
    return fence ? (JSON.parse(fence) as Fence) : undefined;
  });
}

/** Only `now` and what instances remember tell that a store was another one: their epochs are adopted, and theirs alone. */
const RESET = scriptOf(`
local head = redis.call('HMGET', KEYS[1], 'epoch', 'fence', 'lost', 'sequence', 'schema')
local adopted = (head[3] or '') .. ' ' .. (head[1] or '') .. ' ' .. ARGV[3]
redis.call('HDEL', KEYS[1], 'fence', 'lost', 'roll', 'rollSince')
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'adopted', adopted, 'schema', head[5] or '1')
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'filled', ARGV[4]) end
if ARGV[6] ~= '' then redis.call('HSETNX', KEYS[1], 'secret', ARGV[6]) end
redis.call('DEL', KEYS[2])
redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[3], 'all', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'sequence', 1)
redis.call('HINCRBY', KEYS[1], 'records', 1)
return {head[2], ARGV[1]}
`);

async function withLink<T>(options: ConnectOptions, timeoutMs: number, work: (link: Link) => Promise<T>): Promise<T> {
  const { link } = await createConnector(options)(timeoutMs);
  return work(link).finally(link.close);
}

async function ask(link: Link, timeoutMs: number, commands: readonly (readonly string[])[]): Promise<readonly RedisReply[]> {
  return (await link.send(commands, timeoutMs)).map(checked);
}

/** SPEC: scale.md §6: what was approved may have been used, and what was in flight may have happened. Rejects with `StoreError`. */
async function endLeases(ports: RedisPorts): Promise<void> {
  await ports.transact((draft) => {
    const ids = draft.get({ name: 'open', commands: [['ZRANGE', KEYS.open, '0', '-1']], parse: ([all]) => all as readonly string[] });
    const rows = approvalRows(draft, '');
    for (const head of draft.get(loadHeads(ids)))
      if (head.state === 'approved') expire(head, rows, draft.now, 'the state server lost writes');
  });
  const { replies } = await ports.look([['ZRANGE', KEYS.claimsByAge, '0', '-1']]);
  for (const key of replies[0] as readonly string[])
    await ports.transact((draft) => {
      const claim = draft.get(loadClaim(key));
      if (claim?.state !== 'in_flight') return;
      const { namespace, ...row } = claim;
      claimRows(draft, namespace).putClaim({ ...row, state: 'unknown', until: draft.now + row.window, finishedAt: draft.now });
    });
}
