/** What a held call asks the store to record (policy.md §12). */
import type { Facts } from '../core/facts.ts';
import type { Plan } from '../core/plan.ts';
import type { Rule } from '../core/policy.ts';
import type { HoldRequest } from '../core/store.ts';
import type { Arrival } from './arrival.ts';
import type { ProxyDeps } from './deps.ts';

/**
 * The record that a hold opens. Undefined where none may be opened: no approval rule, shadow mode, and calls without
 * an id, which nobody could repeat (wire.md §2.5).
 */
export function holdRequest(
  planned: Extract<Plan, { kind: 'store' }>,
  arrival: Pick<Arrival, 'call' | 'argsText' | 'requestId'>,
  facts: Facts,
  deps: Pick<ProxyDeps, 'sha256'>,
): HoldRequest | undefined {
  const [first] = planned.holds;
  if (!first || facts.policy.mode === 'shadow' || arrival.requestId === undefined) return undefined;
  const { approvals } = facts.policy;
  const timeout = Math.min(...planned.holds.map((rule) => rule.approvalTimeout));
  return {
    fingerprint: approvalFingerprint(arrival, planned.holds, facts, deps),
    tool: arrival.call.tool,
    agent: arrival.call.agent,
    rule: first.label,
    message: first.message ?? 'This call requires human approval',
    args: arrival.argsText,
    timeout,
    dedupeWindow: approvals.dedupeWindow ?? timeout,
    maxPending: approvals.maxPending,
  };
}

/** SPEC: policy.md §12 — an edited rule or a changed tool needs a new approval. */
function approvalFingerprint(
  { call }: Pick<Arrival, 'call'>,
  holds: readonly Rule[],
  facts: Facts,
  deps: Pick<ProxyDeps, 'sha256'>,
): string {
  const definition = facts.catalog?.tools.get(call.tool)?.hash ?? '';
  return deps.sha256([facts.fingerprint(call), definition, ...holds.map((rule) => rule.hash).sort()].join('\n'));
}
