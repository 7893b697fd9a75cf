/** Walks one call through a policy and says what decides, without deciding anything (cli.md §1). */
import { type Answer, renderDenial, renderHold } from '../core/answer.ts';
import type { ToolCatalog } from '../core/catalog.ts';
import { MAX_MICROS, renderMicros } from '../core/decimal.ts';
import type { Call, Decision, TraceEntry } from '../core/decision.ts';
import { UsageError } from '../core/fault.ts';
import { drawnFrom } from '../core/judge.ts';
import { createMatcher } from '../core/match.ts';
import { type OwnPaths, ownPathIn } from '../core/own-path.ts';
import { type Plan, plan } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { CounterReading, Pause, Term } from '../core/store.ts';
import { type WindowUnit, windowAt } from '../core/window.ts';
import { parseArguments } from '../engine/arguments.ts';
import { decideOn, fingerprintFor } from '../engine/judge-call.ts';
import { didYouMean } from '../policy/nearest.ts';
import type { StateLocation } from '../state/open.ts';

export interface ExplainedCall {
  readonly tool: string;
  /** JSON text. */
  readonly argsText: string;
  readonly agent: string | undefined;
}

/** A call is explained against these. */
export interface ExplainFacts {
  readonly policy: Policy;
  /** The server's tools, where rules validate against them. */
  readonly catalog: ToolCatalog | undefined;
  /** The counters of this namespace are read (policy.md §7). */
  readonly namespace: string;
  /** Intercept's own files, where no call may name them. */
  readonly own: OwnPaths | undefined;
  /** Where counters are read from; undefined: they are empty. */
  readonly state: StateLocation | undefined;
  readonly now: number;
}

/** The end of the call, and the reasons. */
export interface Explanation {
  readonly call: Call;
  readonly argsText: string;
  readonly policy: Policy;
  readonly trace: readonly TraceEntry[];
  readonly counters: readonly CounterUse[];
  /** The counters' values come from a store. */
  readonly stored: boolean;
  readonly decision: Decision;
  /** The agent gets this instead of the server's answer; undefined where the call is forwarded. */
  readonly answer: Answer | undefined;
}

/** A counter as the call would use it. Amounts as people write them. */
export interface CounterUse {
  readonly counter: string;
  readonly unit: WindowUnit;
  readonly value: string;
  readonly draws: string;
  /** The narrowest limit on the value after the call. */
  readonly limit: string | undefined;
  /** Epoch ms. */
  readonly resetsAt: number | undefined;
}

/** Explains a call. Throws `UsageError` where its arguments are none. */
export async function explainCall({ tool, argsText, agent }: ExplainedCall, facts: ExplainFacts): Promise<Explanation> {
  const { policy, catalog, namespace, own, state, now } = facts;
  const parsed = parseArguments(argsText);
  if (!parsed.ok) throw new UsageError(`--args: ${parsed.why}`, 'the proxy refuses such a call before any rule sees it');
  const call: Call = { tool, args: parsed.args, agent, session: undefined, ownPath: own && ownPathIn(parsed.args, own) };
  const trace: TraceEntry[] = [];
  const known = { policy, match: createMatcher(policy), catalog, fingerprint: fingerprintFor(namespace, '') };
  const planUnder = (pause: Pause | undefined) => plan(call, { ...known, pause }, (entry) => trace.push(entry));
  const stored = await state?.read(namespace, async (store) => {
    const { pauses } = await store.control();
    const planned = planUnder(pauses.find((candidate) => candidate.policy === undefined || candidate.policy === policy.name));
    return { planned, readings: planned.kind === 'store' ? await store.read(planned.reservable.counters) : [] };
  });
  const { planned, readings } = stored ?? withEmptyCounters(planUnder(undefined), now);
  const values = new Map(readings.map(({ id, micros }) => [id, micros]));
  const decision = decideOn(planned, ({ id }) => values.get(id) ?? 0, now);
  const counters = planned.kind === 'store' ? counterUses(planned, readings) : [];
  return { call, argsText, policy, trace, counters, stored: stored !== undefined, decision, answer: answerTo(decision, policy, now) };
}

function withEmptyCounters(planned: Plan, now: number): { readonly planned: Plan; readonly readings: readonly CounterReading[] } {
  const counters = planned.kind === 'deny' ? [] : planned.reservable.counters;
  return { planned, readings: counters.map((counter) => ({ ...counter, ...windowAt(counter.unit, now), micros: 0 })) };
}

/** SPEC: policy.md §10: shadow mode forwards all but what a pause denies. */
function answerTo(decision: Decision, policy: Policy, now: number): Answer | undefined {
  if (decision.outcome === 'allow' || decision.outcome === 'replay') return undefined;
  if (policy.mode === 'shadow' && !(decision.outcome === 'deny' && decision.denial.code === 'paused')) return undefined;
  return decision.outcome === 'deny' ? renderDenial(decision.denial, now) : renderHold(decision.hold);
}

/** The counters of a planned call, in the order of its rules. */
function counterUses({ draft, reservable }: Extract<Plan, { kind: 'store' }>, readings: readonly CounterReading[]): readonly CounterUse[] {
  const call = { ...reservable, hold: undefined, claim: undefined };
  return reservable.counters.map(({ id, unit }, index) => {
    const reading = readings.find((candidate) => candidate.id === id && candidate.unit === unit);
    const terms = reservable.steps.flatMap((step) => (step.kind === 'require' ? step.terms.filter((term) => term.counter === index) : []));
    return {
      counter: draft.sources[index]?.label ?? id,
      unit,
      value: renderMicros(reading?.micros ?? 0),
      draws: renderMicros(drawnFrom(call, index)),
      limit: limitOf(terms),
      resetsAt: reading?.end,
    };
  });
}

function limitOf(terms: readonly Term[]): string | undefined {
  const least = Math.min(...terms.map(({ after }) => after ?? MAX_MICROS));
  return least < MAX_MICROS ? renderMicros(least) : undefined;
}

/** A rule's clauses, in order; `verdict` is what the rule as a whole says. */
export interface WalkedRule {
  readonly key: string;
  readonly rule: string;
  readonly shadow: boolean;
  readonly verdict: TraceEntry['verdict'];
  readonly why: string;
  readonly clauses: readonly TraceEntry[];
}

/** Gathers the entries of a walk by rule. An entry without a clause ends its rule. */
export function rulesOf(trace: readonly TraceEntry[]): readonly WalkedRule[] {
  const rules: WalkedRule[] = [];
  let clauses: TraceEntry[] = [];
  for (const entry of trace) {
    if (entry.clause !== '' && entry.verdict !== 'not bound') clauses.push(entry);
    else {
      const { key, rule, shadow, verdict, found } = entry;
      rules.push({ key, rule, shadow, verdict, why: found, clauses });
      clauses = [];
    }
  }
  return rules;
}

/** Says why the name alone decided, where no rule was looked at. */
export function reasonOfName({ call, policy, trace, decision }: Explanation): string | undefined {
  const name = JSON.stringify(call.tool);
  if (decision.outcome === 'allow' && trace.length === 0)
    return createMatcher(policy)(call.tool).listed ? `${name} is listed, with no rules` : `${name} is not listed, and the default is allow`;
  if (decision.outcome !== 'deny' || decision.denial.code !== 'default_deny') return undefined;
  const near = didYouMean(call.tool, policy.exact.keys());
  return `${name} is not listed, and the default is deny${near === undefined ? '' : `; ${near}`}`;
}
