/** Notes which rules the cases made pass and made fail; for triggers, stay silent and fire (policy.md §15). */
import type { TraceEntry } from '../../core/decision.ts';
import type { Policy, Rule } from '../../core/policy.ts';
import type { JudgedCall } from '../../engine/judge.ts';

export interface RuleCoverage {
  readonly key: string;
  readonly rule: string;
  readonly line: number;
  readonly trigger: boolean;
  /** True where some call made it pass (a trigger: stay silent), and fail (fire). Undefined where nothing can. */
  readonly passed: boolean | undefined;
  readonly failed: boolean | undefined;
}

export interface Coverage {
  add(trace: readonly TraceEntry[], judged: JudgedCall): void;
  rules(): readonly RuleCoverage[];
}

interface Seen {
  passed: boolean;
  failed: boolean;
}

/** Starts with nothing covered. */
export function openCoverage(policy: Policy): Coverage {
  const entries = [...policy.exact.values(), ...policy.globs, ...(policy.everyTool ? [policy.everyTool] : [])];
  const rules = entries.flatMap((entry) => entry.rules);
  const seen = new Map<string, Seen>(rules.map((rule) => [nameOf(rule.key, rule.label), { passed: false, failed: false }]));
  const mark = (key: string, label: string, what: keyof Seen) => {
    const found = seen.get(nameOf(key, label));
    if (found) found[what] = true;
  };
  return {
    add(trace, judged) {
      const undecided = markWalk(trace, judged, mark);
      markStore(judged, undecided, mark);
    },
    rules: () => rules.map((rule) => coverageOf(rule, seen.get(nameOf(rule.key, rule.label)) ?? { passed: false, failed: false })),
  };
}

/** The share of what can happen to the rules that did happen, in per cent. No rules: all of it. */
export function coveredPercent(rules: readonly RuleCoverage[]): number {
  const points = rules.flatMap(({ passed, failed }) => [passed, failed]).filter((point) => point !== undefined);
  return points.length === 0 ? 100 : Math.floor((100 * points.filter(Boolean).length) / points.length);
}

type Mark = (key: string, label: string, what: keyof Seen) => void;

/** Marks what the arguments alone decided; answers with the rules that the store has to pass as well. */
function markWalk(trace: readonly TraceEntry[], { plan }: JudgedCall, mark: Mark): ReadonlySet<string> {
  const asked = new Set(plan.kind === 'store' ? plan.draft.origins.map(({ rule }) => nameOf(rule.key, rule.label)) : []);
  for (const { key, rule, clause, verdict } of trace) {
    if (clause !== '') continue;
    if (verdict === 'fails' || verdict === 'fires') mark(key, rule, 'failed');
    if (verdict === 'silent' || (verdict === 'passes' && !asked.has(nameOf(key, rule)))) mark(key, rule, 'passed');
  }
  return asked;
}

/** Marks what the store decided: the rule that it denied by, else all that it was asked about. */
function markStore({ plan, decision }: JudgedCall, asked: ReadonlySet<string>, mark: Mark): void {
  if (plan.kind !== 'store' || asked.size === 0) return;
  const decided = decision.outcome === 'deny' ? decision.denial.rule : decision.outcome === 'hold' ? decision.hold.rule : undefined;
  for (const [index, { rule }] of plan.draft.origins.entries()) {
    // An approved call passed although it was held; which rules on counters held it is not known.
    const isHold = plan.reservable.steps[index]?.kind === 'hold';
    const always = isHold && (rule.stateConditions.length === 0 || isApproved(decision));
    const failed = rule.label === decided || decision.shadow.some((verdict) => verdict.rule === rule.label);
    if (failed) mark(rule.key, rule.label, 'failed');
    else if (decision.outcome !== 'deny' && !always) mark(rule.key, rule.label, 'passed');
    if (failed && decision.outcome === 'deny' && rule.label === decided) return;
  }
}

function isApproved(decision: JudgedCall['decision']): boolean {
  return decision.outcome === 'allow' && decision.reservation?.approval !== undefined;
}

function coverageOf(rule: Rule, { passed, failed }: Seen): RuleCoverage {
  const trigger = rule.action === 'deny' || rule.action === 'require_approval';
  const always = trigger && rule.conditions.length + rule.stateConditions.length === 0;
  const base = { key: rule.key, rule: rule.label, line: rule.position.line, trigger };
  return { ...base, passed: always ? undefined : passed, failed: !trigger && isEmpty(rule) ? undefined : failed };
}

/** An `allow` without a clause lets everything pass. */
function isEmpty(rule: Rule): boolean {
  const lists = [rule.conditions, rule.stateConditions, rule.arguments];
  return lists.every((list) => list.length === 0) && !rule.validate && !rule.rateLimit && !rule.state && !rule.spend;
}

function nameOf(key: string, label: string): string {
  return `${key}\0${label}`;
}
