/** The clauses of a requirement that the arguments alone decide (policy.md §3, §5.4). Each answers with what is wrong, or nothing. */
import type { ToolDefinition } from './catalog.ts';
import type { ReasonCode } from './codes.ts';
import type { ArgPath } from './condition.ts';
import { MAX_MICROS, parseDecimal, toMicros } from './decimal.ts';
import { evaluateCondition, step } from './evaluate.ts';
import { AMBIGUOUS, isNumber, type Json, type JsonObject, lookUp, membersBy, namesOf } from './json.ts';
import type { ArgumentSchema, Draw, Rule } from './policy.ts';

/** Why a requirement fails. `why` is for people; `message` is what the agent is told where the rule has no `on_deny`. */
export interface Failure {
  readonly clause: string;
  readonly code: ReasonCode;
  readonly why: string;
  readonly message?: string;
}

/** The first condition that is not true. */
export function failingCondition(rule: Rule, args: JsonObject): Failure | undefined {
  for (const condition of rule.conditions) {
    const truth = evaluateCondition(condition, args, 'every');
    if (truth === 'true') continue;
    const clause = `${condition.path.text} ${condition.test.op} ${condition.text}`;
    return { clause, code: truth === 'false' ? 'rule' : 'indeterminate', why: `condition ${clause} is ${truth}` };
  }
  return undefined;
}

/** The first constrained argument that is absent or does not fit its schema. */
export function failingArgument(schemas: readonly ArgumentSchema[], args: JsonObject): Failure | undefined {
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
export function failingServerSchema(rule: Rule, tool: ToolDefinition | undefined, args: JsonObject): Failure | undefined {
  if (!rule.validate) return undefined;
  const why = serverSchemaFault(rule.validate, tool, args);
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

/** What a draw takes, in millionths, or why it cannot be known (§6). */
export function drawAmount(draw: Draw, args: JsonObject): number | Failure {
  if (draw.amount.kind === 'fixed') return draw.amount.micros;
  const { path } = draw.amount;
  const value = valueAt(path, args);
  const decimal = isNumber(value) ? parseDecimal(value.number) : undefined;
  if (!decimal) return drawFailure(path, value === undefined ? 'is missing' : 'is not a number');
  if (decimal.negative) return drawFailure(path, 'is negative');
  const micros = toMicros(decimal, 'up');
  return micros <= MAX_MICROS ? micros : { ...drawFailure(path, 'is larger than a counter can hold'), code: 'limit' };
}

function drawFailure(path: ArgPath, problem: string): Failure {
  const why = `${path.text} ${problem}, so it cannot be counted`;
  return { clause: `increment_from ${path.text}`, code: 'indeterminate', why, message: why };
}

/** The one value at a path without `[*]`, or undefined; also where a key on the way has a look-alike. */
export function valueAt(path: ArgPath, args: JsonObject): Json | undefined {
  let value: Json | undefined = args;
  for (const segment of path.segments) {
    if (value === undefined || segment.kind === 'every') return undefined;
    const next = step(value, segment);
    if (next === AMBIGUOUS) return undefined;
    value = next;
  }
  return value;
}
