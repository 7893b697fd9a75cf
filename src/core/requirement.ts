/** A requirement's clauses (policy.md §3, §5.4): what the arguments alone refuse, and what is left for the store step. */
import type { ToolDefinition } from './catalog.ts';
import { type ArgPath, evaluateAll, evaluateCondition, valueAt, whyUnknown } from './condition.ts';
import { MAX_MICROS, MICROS_PER_UNIT, parseDecimal, toMicros } from './decimal.ts';
import type { Call, ClauseFailure } from './decision.ts';
import { addDraw, addStep, type Draft, type Scope, useCounter } from './draft.ts';
import { AMBIGUOUS, isNumber, type JsonObject, lookUp, membersBy, namesOf } from './json.ts';
import type { ToolMatch } from './match.ts';
import { matchesName } from './names.ts';
import type { ArgumentSchema, Draw, RateLimit, Rule, Spend } from './policy.ts';
import { priceOf, spendMessage } from './price.ts';
import type { Term } from './store.ts';

/** Answers whether the rule is about this call at all (§3 `agents`, `when`). What is not known binds (I2), and so does an agent that nobody vouches for. */
export function isBinding({ agents, when }: Rule, { agent, args }: Call): boolean {
  if (agents && agent !== undefined) {
    const isNamed = agents.only.length === 0 || agents.only.some((pattern) => matchesName(pattern, agent));
    if (!isNamed || agents.except.some((pattern) => matchesName(pattern, agent))) return false;
  }
  return evaluateAll(when, args, 'any') !== 'false';
}

/** A requirement is checked with this. */
export interface Checking extends Scope {
  readonly tool: ToolDefinition | undefined;
  readonly draft: Draft;
}

/**
 * Finds the first clause that fails on the arguments alone. Without one, the rule's limits and draws are in the draft. `judged`:
 * a human judges the arguments, so those clauses are skipped (§5.4).
 */
export function checkRequirement(rule: Rule, judged: boolean, checking: Checking): ClauseFailure | undefined {
  const { args } = checking.call;
  if (!judged) {
    const failure = failingCondition(rule, args) ?? (rule.arguments.length > 0 ? failingArgument(rule.arguments, args) : undefined);
    if (failure) return failure;
  }
  const unfit = rule.validate && failingServerSchema(rule.validate, checking.tool, args);
  if (unfit) return unfit;
  if (rule.stateConditions.length > 0)
    addStep(checking.draft, 'require', stateTerms(rule, checking, true), { rule, code: 'limit', message: defaultText(rule) });
  if (rule.rateLimit) addRateLimit(rule, rule.rateLimit, checking);
  return (rule.state && addState(rule, rule.state, checking)) ?? (rule.spend && addSpend(rule, rule.spend, checking));
}

/** The terms of a rule's conditions on counters; `asLimit` for requirements. */
export function stateTerms(rule: Rule, checking: Checking, asLimit: boolean): readonly Term[] {
  return rule.stateConditions.map(({ counter, bounds, limit }) => ({
    ...(asLimit ? limit : bounds),
    counter: useCounter(checking.draft, counter, checking),
  }));
}

function addRateLimit(rule: Rule, limit: RateLimit, checking: Checking): void {
  const { draft, facts } = checking;
  const counter = useCounter(draft, limit.draw.counter, checking);
  const text = `Rate limit of ${limit.max} per ${limit.draw.counter.unit} reached.`;
  addStep(draft, 'require', [{ counter, after: limit.max * MICROS_PER_UNIT }], { rule, code: 'rate_limit', message: text });
  addDraw(draft, counter, MICROS_PER_UNIT, limit.draw.count, rule, facts.policy);
}

/** A `state` block counts whether or not this rule limits it; a total that no counter can hold denies. */
function addState(rule: Rule, draw: Draw, checking: Checking): ClauseFailure | undefined {
  const { draft, call, facts } = checking;
  const micros = drawAmount(draw, call.args);
  if (typeof micros !== 'number') return micros;
  const counter = useCounter(draft, draw.counter, checking);
  addStep(draft, 'require', [{ counter, after: MAX_MICROS }], { rule, code: 'limit', message: defaultText(rule) });
  addDraw(draft, counter, micros, draw.count, rule, facts.policy);
  return undefined;
}

/** A requirement's limits on money. What pays an offer costs the greater of the offer and the argument (§8). */
export function addSpend(rule: Rule, spend: Spend, checking: Checking): ClauseFailure | undefined {
  const { draft, call, facts, tool } = checking;
  const price = priceOf(spend, call, tool);
  if (price.kind === 'failure') return price.failure;
  if (price.kind === 'unpriced') {
    draft.unpriced ||= !rule.shadow;
    return undefined;
  }
  for (const limit of spend.limits) {
    const message = spendMessage(spend, limit);
    if (limit.counter) {
      const counter = useCounter(draft, limit.counter, checking);
      addStep(draft, 'require', [{ counter, after: limit.micros }], { rule, code: 'spend', message: message });
      addDraw(draft, counter, price.micros, 'successes', rule, facts.policy);
    } else if (price.micros > limit.micros) return { clause: 'spend.per_call', code: 'spend', why: message, message };
  }
  return undefined;
}

/** The agent reads this of a rule that has no message of its own (§13). */
export function defaultText(rule: Rule): string {
  return `Denied by rule "${rule.label}"`;
}

/** The first condition that is not true. */
function failingCondition(rule: Rule, args: JsonObject): ClauseFailure | undefined {
  for (const condition of rule.conditions) {
    const truth = evaluateCondition(condition, args, 'every');
    if (truth === 'true') continue;
    const clause = `${condition.path.text} ${condition.test.op} ${condition.text}`;
    if (truth === 'false') return { clause, code: 'rule', why: `condition ${clause} is false` };
    const doubt = whyUnknown(condition, args);
    return { clause, code: 'indeterminate', why: `condition ${clause} is unknown${doubt ? `: ${doubt.why}` : ''}`, advice: doubt?.advice };
  }
  return undefined;
}

/** The first constrained argument that is absent or does not fit its schema. */
function failingArgument(schemas: readonly ArgumentSchema[], args: JsonObject): ClauseFailure | undefined {
  for (const { name, optional, check } of schemas) {
    const value = lookUp(args, name);
    if (value === undefined && optional) continue;
    const verdict = value === AMBIGUOUS ? LOOK_ALIKE : value === undefined ? MISSING : check(value);
    if (!verdict.ok) return { clause: `arguments.${name}`, code: 'schema', why: `argument ${JSON.stringify(name)}: ${verdict.why}` };
  }
  return undefined;
}

const MISSING = { ok: false, why: 'it is missing' } as const;
const LOOK_ALIKE = { ok: false, why: 'another argument is spelt almost like it' } as const;

/** `validate`: what the server's own schema requires. A schema that is not known denies. */
function failingServerSchema(
  validate: NonNullable<Rule['validate']>,
  tool: ToolDefinition | undefined,
  args: JsonObject,
): ClauseFailure | undefined {
  const why = serverSchemaFault(validate, tool, args);
  return why === undefined ? undefined : { clause: 'validate', code: 'schema', why, message: why };
}

function serverSchemaFault(
  validate: NonNullable<Rule['validate']>,
  tool: ToolDefinition | undefined,
  args: JsonObject,
): string | undefined {
  if (!tool?.required) return "the server's schema for this tool is not known";
  if (validate.requiredArgs) {
    const members = membersBy(args, namesOf(tool.required));
    if (!members) return 'an argument is spelt almost like one that the schema requires';
    const missing = tool.required.find((name) => (members.get(name) ?? null) === null);
    if (missing !== undefined) return `required argument ${JSON.stringify(missing)} is missing`;
  }
  if (!validate.schema) return undefined;
  const verdict = tool.check(args);
  return verdict.ok ? undefined : `the arguments do not fit the server's schema: ${verdict.why}`;
}

/**
 * Lists what a human overrides by approving (§5.4), in words and in order: requirements that the call does not meet and that
 * `fired` keep from denying it, because they stand after a fired approval rule in the same tool entry.
 */
export function overriddenRules(call: Call, match: ToolMatch, fired: readonly Rule[]): readonly string[] {
  return match.entries.flatMap(({ rules }) => {
    const first = rules.findIndex((rule) => rule.stateConditions.length === 0 && fired.includes(rule));
    return first < 0 ? [] : rules.slice(first + 1).flatMap((rule) => unmet(rule, call));
  });
}

function unmet(rule: Rule, call: Call): readonly string[] {
  if (rule.shadow || rule.action === 'deny' || rule.action === 'require_approval' || !isBinding(rule, call)) return [];
  const failure = failingCondition(rule, call.args) ?? failingArgument(rule.arguments, call.args);
  return failure ? [`rule ${JSON.stringify(rule.label)}: ${failure.why}`] : [];
}

const SMALL = /^\d{1,9}$/;

/** Computes what a draw takes, in millionths, or why it cannot be known (§6). */
export function drawAmount(draw: Draw, args: JsonObject): number | ClauseFailure {
  if (draw.amount.kind === 'fixed') return draw.amount.micros;
  const { path } = draw.amount;
  const value = valueAt(path, args);
  // Most amounts are whole and small: a double is as exact for those.
  if (isNumber(value) && SMALL.test(value.number)) return Number(value.number) * MICROS_PER_UNIT;
  const decimal = isNumber(value) ? parseDecimal(value.number) : undefined;
  if (!decimal) return drawFailure(path, value === undefined ? 'is missing' : 'is not a number');
  if (decimal.negative) return drawFailure(path, 'is negative');
  const micros = toMicros(decimal, 'up');
  return micros <= MAX_MICROS ? micros : { ...drawFailure(path, 'is larger than a counter can hold'), code: 'limit', advice: undefined };
}

function drawFailure(path: ArgPath, problem: string): ClauseFailure {
  const why = `${path.text} ${problem}, so it cannot be counted`;
  return {
    clause: `increment_from ${path.text}`,
    code: 'indeterminate',
    why,
    message: why,
    advice: `Send ${path.text} as a number of at least 0.`,
  };
}
