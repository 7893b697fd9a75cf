/** What a held call asks the store to record, and what an approval covers (policy.md §12). */
import { agentKey, shownCredential } from '../core/agent-key.ts';
import type { HoldRequest } from '../core/approval.ts';
import { type ClientMeta, coveredMeta } from '../core/client-meta.ts';
import type { Facts } from '../core/facts.ts';
import { overriddenRules } from '../core/overridden.ts';
import type { Plan } from '../core/plan.ts';
import type { Rule } from '../core/policy.ts';
import type { Step } from '../core/store.ts';
import type { Arrival } from './arrival.ts';
import type { Ports, Served } from './ports.ts';

type StorePlan = Extract<Plan, { kind: 'store' }>;
type Naming = Pick<Ports, 'sha256'> & Pick<Served, 'shownUpstream'>;

/**
 * The record that a hold opens, for exactly the rules that fired. Undefined where none may be opened: no approval rule,
 * shadow mode, and calls without an id, which nobody could repeat (wire.md §2.5).
 */
export function holdRequest(
  planned: StorePlan,
  arrival: Pick<Arrival, 'call' | 'argsText' | 'meta' | 'requestId' | 'client'>,
  facts: Facts,
  deps: Naming,
): ((fired: readonly number[]) => HoldRequest) | undefined {
  if (planned.holds.length === 0 || facts.policy.mode === 'shadow' || arrival.requestId === undefined) return undefined;
  return (fired) => requestFor(planned, fired, arrival, facts, deps);
}

function requestFor(
  { draft }: StorePlan,
  fired: readonly number[],
  { call, argsText, meta, client }: Pick<Arrival, 'call' | 'argsText' | 'meta' | 'client'>,
  facts: Facts,
  deps: Naming,
): HoldRequest {
  const origins = fired.flatMap((step) => draft.origins[step] ?? []);
  const rules = origins.map(({ rule }) => rule);
  const told = origins.map(({ rule, message }) => ({ rule: rule.label, message: rule.message ?? message }));
  const [first] = told;
  if (!first) throw new Error('a hold without a rule that fired');
  const { name, revision, approvals } = facts.policy;
  const timeout = Math.min(...rules.map((rule) => rule.approvalTimeout));
  const callPrint = facts.fingerprint(call);
  return {
    fingerprint: deps.sha256([callPrint, ...approvedRules(rules, call.tool, meta, facts).sort()].join('\n')),
    call: callPrint,
    tool: call.tool,
    agent: call.agent,
    agentKey: agentKey({ agent: call.agent, credential: facts.credential }),
    ...first,
    args: argsText,
    evidence: {
      upstream: deps.shownUpstream,
      policy: name,
      revision,
      client,
      credential: shownCredential(facts.credential),
      meta: meta?.text,
      rules: told,
      overrides: overriddenRules(call, facts.match(call.tool), rules),
    },
    timeout,
    dedupeWindow: approvals.dedupeWindow ?? timeout,
    maxPending: approvals.maxPending,
    retries: approvals.retries,
    notify: approvals.webhook !== undefined,
  };
}

/**
 * INVARIANT I5, SPEC: policy.md §12: an approval is for these rules as they stand, for the tool as it was last listed, and
 * for what the client added in `_meta`.
 */
function approvedRules(rules: readonly Rule[], tool: string, meta: ClientMeta | undefined, facts: Facts): string[] {
  const definition = facts.catalog?.tools.get(tool)?.hash ?? '';
  const covered = rules.length > 0 && meta ? coveredMeta(meta) : undefined;
  const beside = covered === undefined ? '' : ` ${covered}`;
  return rules.map((rule) => `${definition} ${rule.hash}${beside}`);
}

/** The approval rules that hold the call whatever its counters stand at, as an approval names what it covers. */
export function certainHolds(
  { draft, reservable }: StorePlan,
  { call, meta }: Pick<Arrival, 'call' | 'meta'>,
  facts: Facts,
): readonly string[] {
  const rules = draft.origins.flatMap(({ rule }, index) => (isCertainHold(reservable.steps[index]) ? [rule] : []));
  return approvedRules(rules, call.tool, meta, facts);
}

/** Whether the step holds the call by its arguments alone. */
export function isCertainHold(step: Step | undefined): boolean {
  return step?.kind === 'hold' && step.terms.length === 0 && !step.shadow;
}
