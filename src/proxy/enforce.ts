/**
 * Where a call is judged (house.md §1): plan → store step → conclude → audit → forward or answer.
 *
 * INVARIANT I3: nothing is forwarded before its record was written.
 * INVARIANT I8: all calls of one arrival see one policy.
 */
import { type Answer, renderDenial, renderHold } from '../core/answer.ts';
import type { ToolCatalog } from '../core/catalog.ts';
import { conclude, concludeDenied, concludeFailed, concludeStateless, INTERNAL_ERROR } from '../core/conclude.ts';
import type { Call, Decision } from '../core/decision.ts';
import type { Facts } from '../core/facts.ts';
import { identityText } from '../core/fingerprint.ts';
import { denial, type Plan, pausedText, plan } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { Pause, Reservable, Reservation, Step, StoreVerdict } from '../core/store.ts';
import type { Arrival } from './arrival.ts';
import type { ProxyDeps, Rulebook } from './deps.ts';
import { holdRequest } from './hold.ts';
import { attempt, type Later, then } from './later.ts';
import { recordOf } from './record.ts';

/** What becomes of an arrival. */
export type Enforced =
  | { readonly kind: 'forward'; readonly reservation: Reservation | undefined }
  | { readonly kind: 'answer'; readonly answer: Answer };

interface Judged {
  readonly plan: Plan | undefined;
  readonly decision: Decision;
}

/** Judges calls that arrived together, in order, and records every decision before it answers. */
export function enforce(arrivals: readonly Arrival[], catalog: ToolCatalog | undefined, deps: ProxyDeps): Later<readonly Enforced[]> {
  const rulebook = deps.rules.current();
  const shadow = rulebook?.policy.mode === 'shadow';
  const judging = rulebook ? judgeAll(arrivals, rulebook, catalog, deps) : arrivals.map(withoutPolicy);
  return then(judging, (judged) => {
    const fault = audit(arrivals, judged, rulebook?.policy, deps);
    if (fault === undefined || shadow) return judged.map(({ decision }) => enforced(decision, shadow, deps));
    return denyUnrecorded(arrivals, judged, fault, deps);
  });
}

async function denyUnrecorded(
  arrivals: readonly Arrival[],
  judged: readonly Judged[],
  fault: string,
  deps: ProxyDeps,
): Promise<readonly Enforced[]> {
  const fresh = judged.filter((_, index) => !arrivals[index]?.held);
  await giveBack(fresh, deps);
  return judged.map(({ decision }) => enforced(decision.outcome === 'allow' ? auditFailed(fault) : decision, false, deps));
}

function judgeAll(
  arrivals: readonly Arrival[],
  rulebook: Rulebook,
  catalog: ToolCatalog | undefined,
  deps: ProxyDeps,
): Later<readonly Judged[]> {
  return then(factsFor(rulebook, catalog, deps), (facts) => {
    if (!('policy' in facts)) return arrivals.map(() => ({ plan: undefined, decision: facts }));
    const plans = arrivals.map(({ call }) => plan(call, facts));
    return then(reserveAll(arrivals, plans, facts, deps), (verdicts) => {
      const judged = plans.map((planned, index) => ({
        plan: planned,
        decision: decide(planned, verdicts.get(index), arrivals[index]?.held, deps),
      }));
      return verdicts.size > 0 ? denyPaused(arrivals, judged, facts, deps) : judged;
    });
  });
}

/**
 * SPEC: policy.md §11 — once this process has confirmed a pause no call leaves it, also none that waited for the store
 * meanwhile.
 */
function denyPaused(arrivals: readonly Arrival[], judged: readonly Judged[], facts: Facts, deps: ProxyDeps): Later<readonly Judged[]> {
  const pause = knownPause(facts.policy.name, deps);
  if (!pause) return judged;
  const fresh = judged.filter((_, index) => !arrivals[index]?.held);
  const paused: Decision = { outcome: 'deny', denial: denial('paused', '(paused)', pausedText(pause)), shadow: [] };
  return giveBack(fresh, deps).then(() => judged.map((one) => (one.decision.outcome === 'allow' ? { ...one, decision: paused } : one)));
}

/** What was read last; the store answered a moment ago, so nothing is waited for again. */
function knownPause(policy: string | undefined, { pauses }: ProxyDeps): Pause | undefined {
  const pause = attempt(
    () => pauses.current(policy),
    () => undefined,
  );
  return pause instanceof Promise ? undefined : pause;
}

/** The facts all calls share, or the decision where the pause cannot be known. */
function factsFor({ policy, match }: Rulebook, catalog: ToolCatalog | undefined, deps: ProxyDeps): Later<Facts | Decision> {
  const fingerprint = (call: Call) =>
    deps.sha256(identityText({ namespace: deps.namespace, upstream: deps.upstream, agent: call.agent, tool: call.tool, args: call.args }));
  const { ownPaths, workingFolder } = deps;
  return attempt<Facts | Decision>(
    () => then(deps.pauses.current(policy.name), (pause) => ({ policy, match, catalog, pause, ownPaths, workingFolder, fingerprint })),
    (error) => ({ outcome: 'deny', denial: denial('state_error', '(state)', INTERNAL_ERROR, reasonOf(error)), shadow: [] }),
  );
}

type Verdict = StoreVerdict | { readonly kind: 'failed'; readonly why: string };

const NO_VERDICTS: ReadonlyMap<number, Verdict> = new Map();

/** One transaction for all calls that need the store. Calls that need nothing of it cost it nothing. */
function reserveAll(
  arrivals: readonly Arrival[],
  plans: readonly Plan[],
  facts: Facts,
  deps: ProxyDeps,
): Later<ReadonlyMap<number, Verdict>> {
  const asked: number[] = [];
  const calls: Reservable[] = [];
  for (const [index, planned] of plans.entries()) {
    const arrival = arrivals[index];
    if (planned.kind !== 'store' || !arrival || needsNothing(planned.reservable)) continue;
    if (arrival.held && !needsNewApproval(planned, facts)) continue;
    asked.push(index);
    const reservable = arrival.held ? holdsOnly(planned.reservable) : planned.reservable;
    calls.push({ ...reservable, hold: holdRequest(planned, arrival, facts, deps), claim: undefined });
  }
  if (calls.length === 0) return NO_VERDICTS;
  return deps.store.reserve(calls).then(
    (verdicts) => new Map(asked.map((index, place) => [index, verdicts[place] as StoreVerdict])),
    (error: unknown) => {
      deps.log.error(`state: ${reasonOf(error)}`);
      return new Map(asked.map((index) => [index, { kind: 'failed', why: reasonOf(error) }]));
    },
  );
}

function needsNothing({ steps, draws }: Pick<Reservable, 'steps' | 'draws'>): boolean {
  return steps.length === 0 && draws.length === 0;
}

/** SPEC: wire.md §2.12 — a continued call is judged again: an approval rule that came between its legs holds it. */
function needsNewApproval({ reservable }: Extract<Plan, { kind: 'store' }>, { policy }: Facts): boolean {
  return policy.mode === 'enforce' && reservable.steps.some(isCertainHold);
}

function isCertainHold({ kind, terms, shadow }: Step): boolean {
  return kind === 'hold' && terms.length === 0 && !shadow;
}

/** Of a continued call only what its arguments alone hold is asked: it has drawn already, and is not measured against itself. */
function holdsOnly({ steps }: Pick<Reservable, 'steps'>): Omit<Reservable, 'hold' | 'claim'> {
  return {
    counters: [],
    draws: [],
    steps: steps.map((step) => (isCertainHold(step) ? step : { kind: 'require', terms: [], shadow: false })),
  };
}

function decide(planned: Plan, verdict: Verdict | undefined, held: Reservation | undefined, deps: ProxyDeps): Decision {
  if (planned.kind === 'deny') return concludeDenied(planned);
  if (!verdict) return held ? { outcome: 'allow', reservation: held, shadow: planned.shadow } : concludeStateless(planned);
  if (verdict.kind !== 'failed') return conclude(planned, verdict);
  // SPEC: policy.md §1.2 — the one switch that lets an undecided call pass; approvals still deny.
  return deps.failMode === 'open' && planned.holds.length === 0 ? concludeStateless(planned) : concludeFailed(planned, verdict.why);
}

function withoutPolicy(): Judged {
  return {
    plan: undefined,
    decision: { outcome: 'deny', denial: denial('state_error', '(policy)', INTERNAL_ERROR, 'no policy is in force'), shadow: [] },
  };
}

function auditFailed(why: string): Decision {
  return { outcome: 'deny', denial: denial('audit_error', '(audit)', INTERNAL_ERROR, why), shadow: [] };
}

/** Writes one record per call. Answers with what went wrong, if anything did. */
function audit(arrivals: readonly Arrival[], judged: readonly Judged[], policy: Policy | undefined, deps: ProxyDeps): string | undefined {
  try {
    deps.audit.write(
      judged.flatMap(({ plan: planned, decision }, index) => recordOf(arrivals[index] as Arrival, planned, decision, policy, deps)),
    );
    return undefined;
  } catch (error) {
    deps.log.error(`audit: ${reasonOf(error)}`);
    return reasonOf(error);
  }
}

/** What was reserved for calls that now never leave the proxy. An earlier leg of a continued call has left it. */
async function giveBack(judged: readonly Judged[], deps: ProxyDeps): Promise<void> {
  const taken = judged.flatMap(({ decision }) => (decision.outcome === 'allow' && decision.reservation ? [decision.reservation] : []));
  if (taken.length === 0) return;
  const settlements = taken.map((reservation) => ({ reservation, outcome: 'released' as const }));
  await deps.store.settle(settlements).catch((error: unknown) => deps.log.error(`state: a reservation stays spent: ${reasonOf(error)}`));
}

/** In shadow mode only pauses hold (policy.md §10). */
function enforced(decision: Decision, shadow: boolean, deps: ProxyDeps): Enforced {
  if (decision.outcome === 'allow') return { kind: 'forward', reservation: decision.reservation };
  if (shadow && !(decision.outcome === 'deny' && decision.denial.code === 'paused')) return { kind: 'forward', reservation: undefined };
  const answer = decision.outcome === 'deny' ? renderDenial(decision.denial, deps.clock()) : renderHold(decision.hold);
  return { kind: 'answer', answer };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
