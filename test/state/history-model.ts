/**
 * What a store has to say, from the pages of the policy language alone (policy.md §5.5, §6, §9, §12): approvals, claims
 * and one counter, in memory, for one agent, without a transaction, a file or an index. Histories are checked against it.
 */
export const RULES = { limit: 8, timeout: 60_000, dedupe: 40_000, maxPending: 3, retries: 1, window: 30_000, lease: 10_000 } as const;

/** One call of a history. The same `name` is the same call; `asks`: an approval rule fires; `once`: it is idempotent. */
export type ModelCall = { readonly name: string; readonly asks: boolean; readonly once: boolean };
type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'consumed';
export type ModelApproval = { name: string; state: ApprovalState; createdAt: number; expiresAt: number; decidedAt: number; uses: number };
/** `told`: a human settled it, so that there is no result. */
type Claim = { state: 'in_flight' | 'done' | 'unknown'; until: number; told: boolean };
/** A call that the model let through, and what it took. */
export type Taken = { readonly call: ModelCall; readonly approval: ModelApproval | undefined; readonly claim: Claim | undefined };
type Verdict = { readonly kind: string; readonly taken?: Taken; readonly approval?: ModelApproval };
export type Model = ReturnType<typeof openModel>;

export function openModel() {
  const approvals: ModelApproval[] = [];
  const claims = new Map<string, Claim>();
  let count = 0;

  const stateOf = ({ state, expiresAt }: ModelApproval, now: number): ApprovalState =>
    (state === 'pending' || state === 'approved') && expiresAt <= now ? 'expired' : state;
  const claimState = (name: string, now: number): Claim['state'] | undefined => {
    const { state, until } = claims.get(name) ?? { until: -Infinity };
    if (until > now) return state;
    return state === 'in_flight' && until + RULES.window > now ? 'unknown' : undefined;
  };
  const isOwned = ({ call, claim }: Taken) => claim !== undefined && claims.get(call.name) === claim && claim.state === 'in_flight';

  function ask(name: string, now: number): Verdict {
    const mine = approvals.filter((one) => one.name === name && one.expiresAt > now).reverse();
    mine.sort((a, b) => b.createdAt - a.createdAt);
    if (mine.some(({ state }) => state === 'denied')) return { kind: 'approval_denied' };
    const approved = mine.find(({ state }) => state === 'approved');
    if (approved) return { kind: 'approved', approval: approved };
    const pending = mine.find(({ state, createdAt }) => state === 'pending' && createdAt + RULES.dedupe > now);
    if (pending) return { kind: 'hold', approval: pending };
    const denied = approvals.filter(({ state, decidedAt }) => state === 'denied' && decidedAt > now - RULES.timeout);
    if (denied.length >= 3) return { kind: 'approval_denied' };
    if (approvals.filter((one) => stateOf(one, now) === 'pending').length >= RULES.maxPending) return { kind: 'too_many_pending' };
    const approval = { name, state: 'pending', createdAt: now, expiresAt: now + RULES.timeout, decidedAt: -Infinity, uses: 0 } as const;
    return { kind: 'hold', approval: approvals[approvals.push({ ...approval }) - 1] as ModelApproval };
  }

  return {
    approvals,
    stateOf,
    claimState,
    count: () => count,
    reserve(call: ModelCall, now: number): Verdict {
      const known = call.once ? claimState(call.name, now) : undefined;
      if (known === 'done') return { kind: claims.get(call.name)?.told ? 'already_done' : 'replay' };
      if (known) return { kind: known === 'unknown' ? 'outcome_unknown' : 'in_flight' };
      if (count >= RULES.limit) return { kind: 'deny' };
      const asked = call.asks ? ask(call.name, now) : undefined;
      if (asked && asked.kind !== 'approved') return asked;
      count++;
      if (asked?.approval) Object.assign(asked.approval, { state: 'consumed', uses: asked.approval.uses + 1 });
      const claim: Claim | undefined = call.once ? { state: 'in_flight', until: now + RULES.lease, told: false } : undefined;
      if (claim) claims.set(call.name, claim);
      return { kind: 'reserved', taken: { call, approval: asked?.approval, claim } };
    },
    settle(taken: Taken, outcome: 'committed' | 'released' | 'kept', now: number): void {
      const { call, approval, claim } = taken;
      if (outcome === 'released') count--;
      if (approval && outcome === 'released' && approval.uses <= RULES.retries)
        approval.state = approval.expiresAt > now ? 'approved' : 'expired';
      if (!claim || !isOwned(taken)) return;
      if (outcome === 'released') claims.delete(call.name);
      else Object.assign(claim, { state: outcome === 'committed' ? 'done' : 'unknown', until: now + RULES.window });
    },
    /** Whether the claim is still its owner's. */
    renew(taken: Taken, now: number): boolean {
      if (!taken.claim || !isOwned(taken)) return false;
      taken.claim.until = Math.max(taken.claim.until, now + RULES.lease);
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
      const state = claimState(name, now);
      if (state !== 'unknown') return state ? 'not_unknown' : 'unknown';
      if (verdict === 'did_not') claims.delete(name);
      else claims.set(name, { state: 'done', until: now + RULES.window, told: true });
      return 'resolved';
    },
  };
}
