/** Whether who asks may decide: with an approver secret set, the admin token alone is not enough (policy.md §12). */
import { setTimeout as pause } from 'node:timers/promises';
import type { AdminDeps } from './deps.ts';

/** Checks that may wait for their turn. Each takes a tenth of a second and 64 MiB. */
const MOST_WAITING = 8;
/** What a wrong secret costs everyone who waits, ms. */
const AFTER_WRONG = 500;

export type ApproverCheck =
  /** `hash` undefined: there is no secret to know. */
  { readonly kind: 'right'; readonly hash: string | undefined } | { readonly kind: 'missing' | 'wrong' | 'busy' };

export interface ApproverGate {
  /** `offered`: the secret, where one was given. */
  check(offered: string | undefined): Promise<ApproverCheck>;
}

/** Opens the gate. SECURITY: one guess at a time, each of them slow, however many ask. */
export function openApproverGate({ approvals, matchesSecret }: Pick<AdminDeps, 'approvals' | 'matchesSecret'>): ApproverGate {
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const compare = async (offered: string, hash: string): Promise<ApproverCheck> => {
    if (await matchesSecret(offered, hash)) return { kind: 'right', hash };
    await pause(AFTER_WRONG);
    return { kind: 'wrong' };
  };
  return {
    async check(offered) {
      const hash = await approvals.secret();
      if (hash === undefined) return { kind: 'right', hash };
      if (offered === undefined) return { kind: 'missing' };
      if (waiting >= MOST_WAITING) return { kind: 'busy' };
      waiting++;
      const mine = turn.then(() => compare(offered, hash));
      turn = mine.catch(() => undefined);
      return mine.finally(() => waiting--);
    },
  };
}
