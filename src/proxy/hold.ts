/** What a held call asks the store to record (policy.md §12). */
import type { HoldRequest } from '../core/approval.ts';
import type { Facts } from '../core/facts.ts';
import type { Plan } from '../core/plan.ts';
import type { Rule } from '../core/policy.ts';
import type { Reservable } from '../core/store.ts';
import type { Arrival } from './arrival.ts';
import type { ProxyDeps } from './deps.ts';

/**
 * The record that a hold opens, for exactly the rules whose steps fired. Undefined where none may be opened: no approval
 * rule, shadow mode, and calls without an id, which nobody could repeat (wire.md §2.5).
 */
export function holdRequest(
  planned: Extract<Plan, { kind: 'store' }>,
  arrival: Pick<Arrival, 'call' | 'argsText' | 'requestId'> & { readonly client?: string | undefined },
  facts: Facts,
  deps: Pick<ProxyDeps, 'sha256' | 'upstream'>,
): Reservable['hold'] {
  if (planned.holds.length === 0 || facts.policy.mode === 'shadow' || arrival.requestId === undefined) return undefined;
  return (fired) => recordFor(firedRules(planned, fired), arrival, facts, deps);
}

function firedRules({ draft }: Extract<Plan, { kind: 'store' }>, fired: readonly number[]): readonly [Rule, ...Rule[]] {
  const [first, ...others] = fired.flatMap((step) => draft.origins[step]?.rule ?? []);
  if (!first) throw new Error(`the store fired steps ${fired.join(', ')}, which the plan does not have`);
  return [first, ...others];
}

function recordFor(
  rules: readonly [Rule, ...Rule[]],
  arrival: Parameters<typeof holdRequest>[1],
  facts: Facts,
  deps: Pick<ProxyDeps, 'sha256' | 'upstream'>,
): HoldRequest {
  const { approvals, name, revision } = facts.policy;
  const timeout = Math.min(...rules.map((rule) => rule.approvalTimeout));
  const call = facts.fingerprint(arrival.call);
  return {
    fingerprint: approvalFingerprint(call, arrival, rules, facts, deps),
    call,
    tool: arrival.call.tool,
    agent: arrival.call.agent,
    rule: rules[0].label,
    message: messageOf(rules[0]),
    args: arrival.argsText,
    evidence: {
      upstream: deps.upstream,
      policy: name,
      revision,
      client: arrival.client,
      rules: rules.map((rule) => ({ rule: rule.label, message: messageOf(rule) })),
      overrides: [],
    },
    timeout,
    dedupeWindow: approvals.dedupeWindow ?? timeout,
    maxPending: approvals.maxPending,
    retries: approvals.retries,
    notify: approvals.webhook !== undefined,
  };
}

function messageOf({ message }: Rule): string {
  return message ?? 'This call requires human approval';
}

/** SPEC: policy.md §12 — an edited rule or a changed tool needs a new approval. */
function approvalFingerprint(
  callPrint: string,
  { call }: Pick<Arrival, 'call'>,
  rules: readonly Rule[],
  facts: Facts,
  deps: Pick<ProxyDeps, 'sha256'>,
): string {
  const definition = facts.catalog?.tools.get(call.tool)?.hash ?? '';
  return deps.sha256([callPrint, definition, ...rules.map((rule) => rule.hash).sort()].join('\n'));
}
