/** Pauses and running processes on the server (policy.md §11, scale.md §4). */
import { type Instance, type Pause, type Store, StoreError } from '../../core/store.ts';
import { FORGET_INSTANCE } from '../lifetime.ts';
import { scopeOf } from '../scope.ts';
import { KEYS } from './keys.ts';
import type { RedisPorts } from './ports.ts';
import { guarded } from './script.ts';

/** KEYS: head, applied, pauses, seen. Sequence and pauses in one picture; this instance is heard. */
const CONTROL = guarded(`
if ARGV[2] ~= '' then redis.call('HSET', KEYS[4], G.i, fmt(now)) end
redis.call('HSET', KEYS[2], G.i, fmt(G.n))
return {'ok', fmt(now), redis.call('HGET', KEYS[1], 'sequence') or '0', redis.call('HVALS', KEYS[3]), redis.call('HGET', KEYS[1], 'tick') or '0', redis.call('HGET', KEYS[1], 'secret') or ''}
`);

export function redisControl(ports: RedisPorts): Pick<Store, 'control' | 'pause' | 'resume' | 'announce' | 'leave' | 'instances'> {
  const { server, transact, look } = ports;
  // Commands look as well, and are no instances.
  let isAnnounced = false;
  return {
    async control() {
      const { reply, isKept } = await server.run(CONTROL, [KEYS.head, KEYS.applied, KEYS.pauses, KEYS.seen], [isAnnounced ? '1' : '']);
      // A primary that was cut off would hide a pause: what its replicas do not confirm is no reading.
      if (!isKept) throw new StoreError('too few replicas of the state server answer');
      const [, now, sequence, pauses, tick, secret] = reply as readonly [string, string, string, readonly string[], string, string];
      await server.heard(Number(now));
      server.remember(Number(tick), secret === '' ? undefined : secret);
      return { sequence: Number(sequence), pauses: pauses.map(pauseOf) };
    },
    pause: ({ policy, reason }) =>
      transact((draft) => {
        const sequence = nextSequence(draft);
        const pause = { policy, reason, since: draft.now } satisfies Pause;
        draft.write('HSET', { key: KEYS.pauses }, scopeOf(policy), JSON.stringify(pause));
        return sequence;
      }),
    resume: (policy) =>
      transact((draft) => {
        const scope = scopeOf(policy);
        const ended = draft.get({ name: `pause ${scope}`, commands: [['HEXISTS', KEYS.pauses, scope]], parse: ([is]) => Number(is) });
        const sequence = nextSequence(draft);
        draft.write('HDEL', { key: KEYS.pauses }, scope);
        return { ended, sequence };
      }),
    announce(instance) {
      isAnnounced = true;
      return transact((draft) => {
        const all = draft.get({ name: 'instances', commands: [['HVALS', KEYS.instances]], parse: ([rows]) => rows as readonly string[] });
        for (const { id, seenAt } of all.map(instanceOf))
          if (seenAt < draft.now - FORGET_INSTANCE) draft.write('HDEL', { key: KEYS.instances }, id);
        draft.write('HSET', { key: KEYS.instances }, instance.id, JSON.stringify({ ...instance, seenAt: draft.now } satisfies Instance));
      });
    },
    leave: (instance) =>
      transact((draft) => {
        draft.write('HDEL', { key: KEYS.instances }, instance);
        draft.write('HDEL', { key: KEYS.seen }, server.instance);
      }),
    async instances() {
      const { replies } = await look([['HVALS', KEYS.instances]]);
      return (replies[0] as readonly string[]).map(instanceOf).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
  };
}

function nextSequence(draft: Parameters<Parameters<RedisPorts['transact']>[0]>[0]): number {
  const was = draft.get({ name: 'sequence', commands: [['HGET', KEYS.head, 'sequence']], parse: ([text]) => text as string | null });
  draft.require(['HGET', KEYS.head, 'sequence', was ?? false]);
  const next = Number(was ?? 0) + 1;
  draft.write('HSET', { key: KEYS.head }, 'sequence', String(next));
  return next;
}

/** A pause as it is kept. */
export function pauseOf(text: string): Pause {
  const pause = JSON.parse(text) as Partial<Pause>;
  return { policy: undefined, ...pause } as Pause;
}

function instanceOf(text: string): Instance {
  const row = JSON.parse(text) as Partial<Instance>;
  return { policy: undefined, ...row } as Instance;
}
