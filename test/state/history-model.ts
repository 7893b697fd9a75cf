/**
 * What a store has to say, from the pages of the policy language alone (policy.md §5.5, §6, §9, §12): approvals, claims
 * and one counter, in memory, for one agent, without a transaction, a file or an index. Histories are checked against it.
 */
export const RULES = { limit: 8, timeout: 60_000, dedupe: 40_000, maxPending: 3, retries: 1, window: 30_000, lease: 10_000 } as const;

/** One call of a history. The same `name` is the same call; `asks`: an approval rule fires; `once`: it is idempotent. */
export interface ModelCall {
  readonly name: string;
  readonly asks: boolean;
  readonly once: boolean;
}

export interface ModelApproval {
  readonly name: string;
  state: 'pending' | 'approved' | 'denied' | 'expired' | 'consumed';
  readonly createdAt: number;
  expiresAt: number;
  decidedAt: number;
  attempts: number;
}

interface ModelClaim {
  state: 'in_flight' | 'done' | 'unknown';
  until: number;
  /** A human settled it, so that there is no result. */
  told?: boolean;
}

/** A call that the model let through. */
export interface Taken {
  readonly call: ModelCall;
  readonly approval: ModelApproval | undefined;
  readonly claim: ModelClaim | undefined;
}

export type ModelVerdict = { readonly kind: string; readonly taken?: Taken; readonly approval?: ModelApproval };

export type Model = ReturnType<typeof openModel>;

export function openModel() {
  const approvals: ModelApproval[] = [];
  const claims = new Map<string, ModelClaim>();
  let count = 0;

  const stateOf = ({ state, expiresAt }: ModelApproval, now: number) =>
    (state === 'pending' || state === 'approved') && expiresAt <= now ? 'expired' : state;
  const claimOf = ({ state, until }: ModelClaim, now: number): ModelClaim['state'] | undefined => {
    if (until > now) return state;
    return state === 'in_flight' && until + RULES.window > now ? 'unknown' : undefined;
  };

  function ask(name: string, now: number): ModelVerdict {
    const mine = approvals.filter((one) => one.name === name && one.expiresAt > now).reverse();
    if (mine.some(({ state }) => state === 'denied')) return { kind: 'approval_denied' };
    const approved = mine.find(({ state }) => state === 'approved');
    if (approved) return { kind: 'approved', approval: approved };
    const pending = mine.find(({ state, createdAt }) => state === 'pending' && createdAt + RULES.dedupe > now);
    if (pending) return { kind: 'hold', approval: pending };
    if (approvals.filter(({ state, decidedAt }) => state === 'denied' && decidedAt > now - RULES.timeout).length >= 3)
      return { kind: 'approval_denied' };
    if (approvals.filter((one) => stateOf(one, now) === 'pending').length >= RULES.maxPending) return { kind: 'too_many_pending' };
    approvals.push({ name, state: 'pending', createdAt: now, expiresAt: now + RULES.timeout, decidedAt: -Infinity, attempts: 0 });
    return { kind: 'hold', approval: approvals.at(-1) as ModelApproval };
  }

  return {
    approvals,
    stateOf,
    claimState: (name: string, now: number) => {
      const claim = claims.get(name);
      return claim && claimOf(claim, now);
    },
    count: () => count,
    reserve(call: ModelCall, now: number): ModelVerdict {
      const claim = call.once ? claims.get(call.name) : undefined;
      const known = claim && claimOf(claim, now);
      if (known)
        return { kind: { in_flight: 'in_flight', done: claim.told ? 'already_done' : 'replay', unknown: 'outcome_unknown' }[known] };
      if (count + 1 > RULES.limit) return { kind: 'deny' };
      const asked = call.asks ? ask(call.name, now) : undefined;
      if (asked && asked.kind !== 'approved') return asked;
      count++;
      if (asked?.approval) {
        asked.approval.state = 'consumed';
        asked.approval.attempts++;
      }
      const taking: ModelClaim | undefined = call.once ? { state: 'in_flight', until: now + RULES.lease } : undefined;
      if (taking) claims.set(call.name, taking);
      return { kind: 'reserved', taken: { call, approval: asked?.approval, claim: taking } };
    },
    settle({ call, approval, claim }: Taken, outcome: 'committed' | 'released' | 'kept', now: number): void {
      if (outcome === 'released') count--;
      if (approval && outcome === 'released' && approval.attempts <= RULES.retries)
        approval.state = approval.expiresAt > now ? 'approved' : 'expired';
      if (!claim || claims.get(call.name) !== claim || claim.state !== 'in_flight') return;
      if (outcome === 'released') claims.delete(call.name);
      else Object.assign(claim, { state: outcome === 'committed' ? 'done' : 'unknown', until: now + RULES.window });
    },
    /** Whether the claim is still its owner's. */
    renew({ call, claim }: Taken, now: number): boolean {
      if (!claim || claims.get(call.name) !== claim || claim.state !== 'in_flight') return false;
      claim.until = Math.max(claim.until, now + RULES.lease);
      return true;
    },
    decide(approval: ModelApproval, verdict: 'approve' | 'deny', now: number): string {
      if (stateOf(approval, now) !== 'pending') return 'not_pending';
      Object.assign(approval, { state: verdict === 'approve' ? 'approved' : 'denied', decidedAt: now });
      if (verdict === 'approve') approval.expiresAt = now + RULES.timeout;
      for (const other of approvals) if (other.name === approval.name && stateOf(other, now) === 'pending') other.state = 'expired';
      return 'decided';
    },
    expire(now: number): number {
      const over = approvals.filter((one) => one.state !== 'expired' && stateOf(one, now) === 'expired');
      for (const one of over) one.state = 'expired';
      return over.length;
    },
    resolve(name: string, verdict: 'happened' | 'did_not', now: number): string {
      const claim = claims.get(name);
      const state = claim && claimOf(claim, now);
      if (!claim || !state) return 'unknown';
      if (state !== 'unknown') return 'not_unknown';
      if (verdict === 'did_not') claims.delete(name);
      else claims.set(name, { state: 'done', until: now + RULES.window, told: true });
      return 'resolved';
    },
  };
}
