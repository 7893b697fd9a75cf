/** From a checked tree to a `Policy`. Meaning is judged here: patterns, schemas, counters. */
import { compileName, type NamePattern } from '../../core/names.ts';
import type { ApprovalSettings, MethodRule, Policy, Rule, ToolEntry } from '../../core/policy.ts';
import { type Entry, entriesOf, entryOf, itemsOf, type MapNode, type Node, textOf, textsOf, valueAt } from '../format/tree.ts';
import { compileRule, durationAt, type RuleContext } from './compile-rule.ts';

const MINUTE = 60_000;

/** The rules of each key of `tools`; a list directly under the key counts as its rules. */
export function rulesByKey(root: Node): ReadonlyMap<string, readonly MapNode[]> {
  return new Map(entriesOf(valueAt(root, 'tools')).map(({ key, value }) => [key, rulesOf(value)]));
}

function rulesOf(entry: Node): readonly MapNode[] {
  const list = entry.kind === 'list' ? entry : valueAt(entry, 'rules');
  return itemsOf(list).filter((rule) => rule.kind === 'map');
}

/** Compiles the whole policy. */
export function compilePolicy(root: Node, revision: string, context: Omit<RuleContext, 'approvalTimeout'>): Policy {
  const approvals = compileApprovals(valueAt(root, 'approvals'));
  const entries = compileEntries(root, { ...context, approvalTimeout: approvals.defaultTimeout });
  const rules = entries.flatMap((entry) => entry.rules);
  const secret = approvals.webhook?.secretEnv;
  return {
    name: textOf(valueAt(root, 'name')),
    description: textOf(valueAt(root, 'description')),
    revision,
    default: textOf(valueAt(root, 'default')) === 'deny' ? 'deny' : 'allow',
    mode: textOf(valueAt(root, 'mode')) === 'shadow' ? 'shadow' : 'enforce',
    hide: compileHide(valueAt(root, 'hide')),
    unlisted: textOf(valueAt(root, 'unlisted')) === 'show' ? 'show' : 'hide',
    methods: compileMethods(valueAt(root, 'methods')),
    approvals,
    exact: new Map(entries.filter(({ pattern }) => pattern.kind === 'exact').map((entry) => [entry.key, entry])),
    globs: entries.filter(({ key, pattern }) => pattern.kind === 'glob' && key !== '*'),
    everyTool: entries.find(({ key }) => key === '*'),
    enforcedCounters: enforcedCounters(rules),
    secretEnv: secret === undefined ? [] : [secret],
    uses: usesOf(entries, rules),
  };
}

function compileEntries(root: Node, context: RuleContext): readonly ToolEntry[] {
  const written = entriesOf(valueAt(root, 'tools')).map((entry) => compileEntry(entry, context));
  return [...written, ...compileAllowed(root, context)];
}

/** The entries that `allow` is short for. What `tools` lists keeps its rules: there is one entry for a key. */
function compileAllowed(root: Node, context: RuleContext): readonly ToolEntry[] {
  const tools = valueAt(root, 'tools');
  const seen = new Set<string>();
  return itemsOf(valueAt(root, 'allow')).flatMap((item) => {
    if (item.kind !== 'text') return [];
    const key = item.text;
    const twice = entryOf(tools, key) ? 'under "tools", whose rules bind it' : seen.has(key) ? 'under "allow" before' : undefined;
    seen.add(key);
    if (twice === undefined)
      return [compileEntry({ key, value: { kind: 'list', items: [], offset: item.offset }, offset: item.offset }, context)];
    context.report.add('listed-twice', item.offset, `${JSON.stringify(key)} is listed ${twice}`, 'remove it here');
    return [];
  });
}

function compileEntry({ key, value, offset }: Entry, context: RuleContext): ToolEntry {
  const entry: ToolEntry = {
    key,
    pattern: compileName(key),
    rules: rulesOf(value).map((node, index) => {
      const rule = compileRule(node, key, index, context);
      context.origins.rules.set(rule, node);
      return rule;
    }),
    idempotencyWindow: durationAt(value, 'idempotency_window') ?? 0,
    position: context.report.positionOf(offset),
  };
  context.origins.entries.set(entry, offset);
  return entry;
}

function compileHide(node: Node | undefined): readonly NamePattern[] {
  return (node?.kind === 'text' ? [node.text] : textsOf(node)).map(compileName);
}

function compileMethods(node: Node | undefined): readonly MethodRule[] {
  if (node?.kind === 'text') return [{ pattern: compileName('*'), verdict: node.text === 'deny' ? 'deny' : 'allow' }];
  return entriesOf(node).map(({ key, value }) => ({ pattern: compileName(key), verdict: textOf(value) === 'deny' ? 'deny' : 'allow' }));
}

function compileApprovals(node: Node | undefined): ApprovalSettings {
  const webhook = valueAt(valueAt(node, 'notify'), 'webhook');
  const url = textOf(valueAt(webhook, 'url'));
  return {
    defaultTimeout: durationAt(node, 'default_timeout') ?? 15 * MINUTE,
    dedupeWindow: durationAt(node, 'dedupe_window'),
    maxPending: integerAt(node, 'max_pending') ?? 20,
    retries: integerAt(node, 'retries') ?? 2,
    webhook: url === undefined ? undefined : { url, secretEnv: textOf(valueAt(webhook, 'secret_env')) },
  };
}

function integerAt(node: Node | undefined, key: string): number | undefined {
  const value = valueAt(node, key);
  return value?.kind === 'number' ? Number(value.number) : undefined;
}

/** Counters that a rule outside shadow keeps or reads. */
function enforcedCounters(rules: readonly Rule[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const rule of rules) {
    if (!rule.shadow) for (const id of counterIds(rule)) ids.add(id);
  }
  return ids;
}

function counterIds(rule: Rule): readonly string[] {
  const spent = rule.spend?.limits.map(({ counter }) => counter?.id) ?? [];
  const read = rule.stateConditions.map(({ counter }) => counter.id);
  return [rule.state?.counter.id, rule.rateLimit?.draw.counter.id, ...spent, ...read].filter((id) => id !== undefined);
}

function isAboutAgents({ agents, rateLimit, state, spend }: Rule): boolean {
  return agents !== undefined || [rateLimit?.draw.counter.per, state?.counter.per, spend?.per].includes('agent');
}

function usesOf(entries: readonly ToolEntry[], rules: readonly Rule[]): Policy['uses'] {
  return {
    spend: rules.some(({ spend }) => spend !== undefined),
    idempotency: [...entries, ...rules].some(({ idempotencyWindow }) => idempotencyWindow > 0),
    approvals: rules.some(({ action }) => action === 'require_approval'),
    // A price that may be absent is judged by what the server's schema declares (§8).
    serverSchemas: rules.some(({ validate, spend }) => validate !== undefined || (spend !== undefined && spend.from === undefined)),
    counters: rules.some((rule) => counterIds(rule).length > 0),
    agents: rules.some(isAboutAgents),
  };
}
