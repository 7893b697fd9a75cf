/** Checks whether who asks may decide: with an approver secret set, the admin token alone is not enough (policy.md §12). */
import { setTimeout as pause } from 'node:timers/promises';
import type { AdminDeps } from './deps.ts';

/** Checks that may wait for their turn. Each takes a tenth of a second and, while it is its turn, 64 MiB. */
const MOST_WAITING = 32;
/** A client with a wrong secret waits so long, ms, for each guess that waits just then, up to the most. */
const AFTER_WRONG = 1_000;
const MOST_AFTER_WRONG = 5_000;

export type ApproverCheck =
  /** `hash` undefined: there is no secret to know. */
  | { readonly kind: 'right'; readonly hash: string | undefined }
  | { readonly kind: 'missing' | 'busy' }
  /** To be answered after so many ms. */
  | { readonly kind: 'wrong'; readonly after: number };

export interface ApproverGate {
  /**
   * `offered`: the secret, where one was given. To be asked for who has shown the admin token, and for nobody else.
   * `isGone`: nobody waits for the answer any more.
   */
  check(offered: string | undefined, isGone: () => boolean): Promise<ApproverCheck>;
}

/**
 * Opens the gate. SECURITY: one guess at a time, each of them slow, however many ask; and who guesses waits longer the
 * more guess beside it, so that who knows the secret finds the queue short. Who hangs up leaves the queue: coming back at once
 * must not be cheaper than to wait.
 */
export function openApproverGate({ approvals, matchesSecret }: Pick<AdminDeps, 'approvals' | 'matchesSecret'>): ApproverGate {
  const waiting = new Set<() => boolean>();
  let held = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const compare = async (offered: string, hash: string): Promise<ApproverCheck> => {
    if (await matchesSecret(offered, hash)) return { kind: 'right', hash };
    const after = Math.min(MOST_AFTER_WRONG, AFTER_WRONG * ++held);
    void pause(after, undefined, { ref: false }).then(() => held--);
    return { kind: 'wrong', after };
  };
  return {
    async check(offered, isGone) {
      const hash = await approvals.secret();
      if (hash === undefined) return { kind: 'right', hash };
      if (offered === undefined) return { kind: 'missing' };
      for (const isLeft of waiting) if (isLeft()) waiting.delete(isLeft);
      if (waiting.size >= MOST_WAITING) return { kind: 'busy' };
      waiting.add(isGone);
      const mine = turn.then((): ApproverCheck | Promise<ApproverCheck> => (isGone() ? { kind: 'busy' } : compare(offered, hash)));
      turn = mine.catch(() => undefined);
      return mine.finally(() => waiting.delete(isGone));
    },
  };
}
