/** The rows that the shared rules (`state/step.ts`) read and write, as a draft over the server. */
import { MAX_MICROS } from '../../core/decimal.ts';
import type { CounterRef } from '../../core/store.ts';
import type { ChallengeRow, ChallengeRows, CounterRows, StepRows } from '../rows.ts';
import { approvalRows } from './approvals.ts';
import { claimRows } from './claims.ts';
import type { Load, RowDraft } from './draft.ts';
import { counterMember, KEYS, namespaceKeys } from './keys.ts';

/** The rows of one namespace. */
export function stepRows(draft: RowDraft, namespace: string): StepRows {
  return {
    ...counterRows(draft, namespace),
    ...approvalRows(draft, namespace),
    ...claimRows(draft, namespace),
    ...challengeRows(draft, namespace),
  };
}

function counterRows(draft: RowDraft, namespace: string): CounterRows {
  const keys = namespaceKeys(namespace);
  return {
    value(counter, start) {
      const key = keys.counter(counter);
      const field = String(start);
      const text = draft.get<string | null>({
        name: `value ${key} ${field}`,
        commands: [['HGET', key, field]],
        parse: ([value]) => value as string | null,
      });
      draft.require(['HGET', key, field, text ?? false]);
      return isFull(counter, start, draft.filled) ? MAX_MICROS : Number(text ?? 0);
    },
    write: (counter, { start }, micros) =>
      draft.write(
        'count',
        { key: keys.counter(counter) },
        { key: keys.counters },
        counterMember(counter),
        counter.unit,
        String(start),
        String(micros),
      ),
    giveBack: (draw) => draft.write('give', { key: keys.counter(draw) }, String(draw.start), String(draw.micros)),
  };
}

/** SPEC: scale.md §1: after a loss that was accepted with `--fill`. */
function isFull({ unit }: CounterRef, start: number, filled: number): boolean {
  // Windows before 1970 begin below 0, which stands for a store that nobody filled.
  return filled > 0 && start < filled && unit !== 'second' && unit !== 'minute';
}

/** Delivered challenges: they stand in the order in which they came. */
export function challengeRows(draft: RowDraft, namespace: string): ChallengeRows {
  const keys = namespaceKeys(namespace);
  const get = <T>(load: Load<T>): T => {
    draft.requireRecords();
    return draft.get(load);
  };
  const find = (id: string) => get(loadChallenges(keys.challenges, [id]))[0];
  const touch = () => {
    draft.requireRecords();
    draft.write('HINCRBY', { key: KEYS.head }, 'records', '1');
  };
  return {
    challenge: find,
    putChallenge(row) {
      touch();
      if (!find(row.id)) draft.write('RPUSH', { key: keys.challengesFor(row.call) }, row.id);
      draft.write('HSET', { key: keys.challenges }, row.id, JSON.stringify(row));
      draft.write('ZADD', { key: keys.challengeEnds }, String(row.until), row.id);
      draft.write('ZADD', { key: keys.challengesOf(row.agent) }, String(row.until), row.id);
    },
    dropChallenge(id) {
      const row = find(id);
      if (!row) return;
      touch();
      draft.write('HDEL', { key: keys.challenges }, id);
      draft.write('ZREM', { key: keys.challengeEnds }, id);
      draft.write('ZREM', { key: keys.challengesOf(row.agent) }, id);
      draft.write('LREM', { key: keys.challengesFor(row.call) }, '0', id);
    },
    countChallenges(agent, now) {
      const key = agent === undefined ? keys.challengeEnds : keys.challengesOf(agent);
      return get({ name: `open ${key}`, commands: [['ZCOUNT', key, `(${now}`, '+inf']], parse: ([count]) => Number(count) });
    },
    challengesFor(call, now) {
      const key = keys.challengesFor(call);
      const ids = get({ name: `for ${key}`, commands: [['LRANGE', key, '0', '-1']], parse: ([all]) => all as readonly string[] });
      return get(loadChallenges(keys.challenges, ids)).filter(({ until }) => until > now);
    },
    overChallenges(now, limit) {
      const ids = get({
        name: `over ${keys.challengeEnds}`,
        commands: [['ZRANGEBYSCORE', keys.challengeEnds, '-inf', String(now), 'LIMIT', '0', String(limit)]],
        parse: ([all]) => all as readonly string[],
      });
      return get(loadChallenges(keys.challenges, ids));
    },
  };
}

function loadChallenges(key: string, ids: readonly string[]): Load<readonly ChallengeRow[]> {
  return {
    name: `challenges ${key} ${ids.join(' ')}`,
    commands: ids.map((id) => ['HGET', key, id]),
    parse: (replies) => replies.flatMap((reply) => (typeof reply === 'string' ? [JSON.parse(reply) as ChallengeRow] : [])),
  };
}
