/** What a check may cost. SECURITY: a schema is a stranger's and the value another's; together they end after so much work. */

/** A value that can not be judged; the call is denied. */
export class UnjudgeableError extends Error {
  readonly code = 'unjudgeable';
}

/** About 50 ms: one for the visit of a value, for a few characters of text, for a member of a list. */
export const MAX_WORK = 1_000_000;
/** Schemas that lead from one to the next without an end. */
const MAX_DEPTH = 1_500;

export interface Work {
  /** Charges for work that is about to be done. Throws `UnjudgeableError` where that is too much. */
  charge(amount: number): void;
  enter(): void;
  leave(): void;
}

/** Opens a budget. */
export function openWork(): Work {
  let left = MAX_WORK;
  let depth = 0;
  return {
    charge(amount) {
      left -= amount;
      if (left < 0) throw new UnjudgeableError('the schema takes too many steps');
    },
    enter() {
      if (++depth > MAX_DEPTH) throw new UnjudgeableError('the schema takes too many steps: its references lead too deep');
    },
    leave() {
      depth--;
    },
  };
}
