/** The store step's view of the tables, and rows turned into what the port speaks of. */
import type { CounterReading, Instance, Pause } from '../../core/store.ts';
import type { Window, WindowUnit } from '../../core/window.ts';
import { keepUntil } from '../lifetime.ts';
import type { StepRows } from '../rows.ts';
import { approvalRows } from './approvals.ts';
import { challengeRows } from './challenges.ts';
import { claimRows } from './claims.ts';
import type { Statements } from './statements.ts';

/** The rows that the step reads and writes, inside the caller's transaction. */
export function sqliteRows(statements: Statements): StepRows {
  const { ns } = statements;
  return {
    value(counter, start) {
      const row = statements.value.get(ns, counter.id, counter.unit, start) as { micros: number } | undefined;
      return row === undefined ? 0 : row.micros;
    },
    write(counter, window, micros) {
      statements.write.run(ns, counter.id, counter.unit, window.start, micros, keepUntil(counter.unit, window));
    },
    giveBack: ({ id, unit, start, micros }) => void statements.giveBack.run(micros, ns, id, unit, start),
    ...approvalRows(statements),
    ...claimRows(statements),
    ...challengeRows(statements),
  };
}

/** The counters whose window is that of now, out of those that are still kept. */
export function liveCounters({ ns, live }: Statements, now: number, windowOf: (unit: WindowUnit, now: number) => Window): CounterReading[] {
  const rows = live.all(ns, now) as { id: string; unit: WindowUnit; start: number; micros: number }[];
  return rows.flatMap(({ id, unit, start, micros }) => {
    const window = windowOf(unit, now);
    return window.start === start ? [{ id, unit, micros, start, end: window.end }] : [];
  });
}

/** The pauses in force, of every policy. */
export function pausesOf(rows: readonly Record<string, unknown>[]): Pause[] {
  return rows.flatMap(({ scope, policy, reason, since }) =>
    scope === null ? [] : [{ policy: (policy as string | null) ?? undefined, reason: reason as string, since: since as number }],
  );
}

export function instanceOf(row: Record<string, unknown>): Instance {
  const { started_at, seen_at, policy, ...same } = row;
  const known = same as unknown as Omit<Instance, 'startedAt' | 'seenAt' | 'policy'>;
  return { ...known, policy: (policy as string | null) ?? undefined, startedAt: started_at as number, seenAt: seen_at as number };
}
