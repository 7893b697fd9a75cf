/** Checks a policy against the tools that a server has (policy.md §14, `--tools`). */
import type { ArgPath, Segment } from '../core/condition.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { isArray, isObject, type Json } from '../core/json.ts';
import { matchesName } from '../core/names.ts';
import type { Policy, Position, Rule, ToolEntry } from '../core/policy.ts';
import { DIAGNOSTICS, type DiagnosticCode } from './codes.ts';
import { didYouMean } from './nearest.ts';
import { callsTools, pins, TOOL_NAMES } from './warn/warn-rules.ts';

export interface ServerTool {
  readonly name: string;
  readonly inputSchema: Json | undefined;
}

/** Where a rule names an argument. */
type PlaceOf = (rule: Rule, path: string) => Position;

const START: Position = { line: 1, column: 1 };
const CURRENCIES: readonly string[] = ['currency', 'currency_code', 'currencyCode'];

/** Tools that the server does not have, arguments that its schemas do not have, and tools that want a closer rule. */
export function checkAgainstServer(policy: Policy, tools: readonly ServerTool[], placeOf: PlaceOf): readonly Diagnostic[] {
  const entries = [...policy.exact.values(), ...policy.globs];
  const found = [
    ...checkHidden(policy, tools),
    ...entries.flatMap((entry) => checkEntry(entry, policy, tools, placeOf)),
    ...tools.flatMap((tool) => checkTool(tool, policy)),
  ];
  return found.toSorted((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}

function diagnose(code: DiagnosticCode, position: Position, message: string, help: string | undefined): Diagnostic {
  return { code, severity: DIAGNOSTICS[code].severity, message, help, position };
}

function checkHidden({ hide }: Policy, tools: readonly ServerTool[]): readonly Diagnostic[] {
  const idle = hide.filter((pattern) => pattern.text !== '*' && !tools.some(({ name }) => matchesName(pattern, name)));
  return idle.map(({ text }) => unknownTool(text, START, 'hide', tools));
}

function unknownTool(text: string, position: Position, place: string, tools: readonly ServerTool[]): Diagnostic {
  const names = tools.map(({ name }) => name);
  const message = text.includes('*') ? `no tool of the server matches "${text}" (${place})` : `the server has no tool "${text}" (${place})`;
  return diagnose('unknown-tool', position, message, didYouMean(text, names));
}

function checkEntry(entry: ToolEntry, policy: Policy, tools: readonly ServerTool[], placeOf: PlaceOf): readonly Diagnostic[] {
  const own = tools.filter(({ name }) => matchesName(entry.pattern, name));
  if (own.length === 0) return [unknownTool(entry.key, entry.position, 'tools', tools)];
  const common = policy.everyTool?.rules ?? [];
  return entry.rules.flatMap((rule) => [...checkArguments(rule, own, placeOf), ...checkCurrency(rule, [...entry.rules, ...common], own)]);
}

/** An argument is unknown where no tool that the rule is about can have it. */
function checkArguments(rule: Rule, tools: readonly ServerTool[], placeOf: PlaceOf): readonly Diagnostic[] {
  const paths = new Map(pathsOf(rule).map((path) => [path.text, path]));
  return [...paths.values()].flatMap((path) => {
    if (tools.some(({ inputSchema }) => mayHave(inputSchema, path.segments))) return [];
    const names = tools.flatMap(({ inputSchema }) => propertiesOf(inputSchema) ?? []);
    const near = didYouMean(
      path.text,
      names.map((name) => `args.${name}`),
    );
    return [diagnose('unknown-argument', placeOf(rule, path.text), `the schema of "${rule.key}" has no "${path.text}"`, near)];
  });
}

function pathsOf(rule: Rule): readonly ArgPath[] {
  const drawn = rule.state?.amount.kind === 'from' ? [rule.state.amount.path] : [];
  const named = rule.arguments.map(({ name }): ArgPath => ({ text: `args.${name}`, segments: [{ kind: 'key', key: name }] }));
  const priced = rule.spend?.from ? [rule.spend.from] : [];
  return [...[...rule.when, ...rule.conditions].map(({ path }) => path), ...named, ...drawn, ...priced];
}

/** Follows the path as far as the schema is plain; what it does not say, a value may have. */
function mayHave(schema: Json | undefined, segments: readonly Segment[]): boolean {
  const [first, ...rest] = segments;
  if (!first || !isObject(schema)) return true;
  if (first.kind !== 'key') return mayHave(schema.get('items'), rest);
  const properties = schema.get('properties');
  if (!isObject(properties)) return true;
  const property = properties.get(first.key);
  return property === undefined ? isOpen(schema) : mayHave(property, rest);
}

/** True where a schema lets in names that it does not list, and means it. */
function isOpen(schema: Json): boolean {
  if (!isObject(schema)) return true;
  const more = schema.get('additionalProperties');
  return (
    (more !== undefined && more !== false) ||
    ['patternProperties', '$ref', 'allOf', 'anyOf', 'oneOf', 'if'].some((keyword) => schema.has(keyword))
  );
}

function propertiesOf(schema: Json | undefined): readonly string[] | undefined {
  const properties = isObject(schema) ? schema.get('properties') : undefined;
  return isObject(properties) ? [...properties.keys()] : undefined;
}

/** A price of 500 is another in another currency. */
function checkCurrency(rule: Rule, rules: readonly Rule[], tools: readonly ServerTool[]): readonly Diagnostic[] {
  if (!rule.spend) return [];
  const currency = rule.spend.currency;
  const names = new Set(tools.flatMap(({ inputSchema }) => propertiesOf(inputSchema) ?? []));
  const open = CURRENCIES.filter((name) => names.has(name) && !pins(rules, name));
  return open.map((name) =>
    diagnose(
      'currency-not-pinned',
      rule.position,
      `"args.${name}" of "${rule.key}" may be another currency than ${currency}`,
      `add {path: args.${name}, op: in, value: [${currency}]}`,
    ),
  );
}

/** The rules of a tool do not see calls that another tool makes to it. */
function checkTool(tool: ServerTool, policy: Policy): readonly Diagnostic[] {
  const entries = [policy.exact.get(tool.name), ...policy.globs.filter(({ pattern }) => matchesName(pattern, tool.name))].filter(
    (entry) => entry !== undefined,
  );
  const rules = [...entries, ...(policy.everyTool ? [policy.everyTool] : [])].flatMap((entry) => entry.rules);
  const names = toolNameArguments(tool);
  const reachable = (entries.length > 0 || policy.default === 'allow') && !policy.hide.some((pattern) => matchesName(pattern, tool.name));
  if (
    !reachable ||
    !callsTools(tool.name, names) ||
    rules.some(isPlainDeny) ||
    (names.length > 0 && names.every((name) => pins(rules, name)))
  )
    return [];
  const message = `"${tool.name}" takes the name of a tool: what it calls is not seen by that tool's own rules`;
  return [diagnose('takes-tool-name', entries[0]?.position ?? START, message, 'hide it, deny it, or list the names it may take')];
}

/** True where `validate` would warn that the tool may call others. */
export function mayCallTools(tool: ServerTool): boolean {
  return callsTools(tool.name, toolNameArguments(tool));
}

function toolNameArguments({ inputSchema }: ServerTool): readonly string[] {
  return (propertiesOf(inputSchema) ?? []).filter((name) => TOOL_NAMES.includes(name) && takesText(inputSchema, name));
}

function takesText(schema: Json | undefined, name: string): boolean {
  const properties = isObject(schema) ? schema.get('properties') : undefined;
  const property = isObject(properties) ? properties.get(name) : undefined;
  const type = isObject(property) ? property.get('type') : undefined;
  return type === undefined || type === 'string' || (isArray(type) && type.includes('string'));
}

function isPlainDeny(rule: Rule): boolean {
  return rule.action === 'deny' && rule.conditions.length === 0 && rule.when.length === 0 && rule.agents === undefined && !rule.shadow;
}
