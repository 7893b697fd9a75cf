/** The warnings of policy.md §14: policies that load, and may not do what they look like. */
import { undecidedBy } from '../../core/match.ts';
import { matchesName, type NamePattern } from '../../core/names.ts';
import type { Policy, ToolEntry } from '../../core/policy.ts';
import type { CounterTable } from '../compile/counters.ts';
import type { WarnContext } from '../compile/origins.ts';
import { isPolicyKey } from '../format/format.ts';
import { entriesOf, entryOf, type Node, textOf } from '../format/tree.ts';
import { requiredPaths, warnAbsent, warnUnanchored, warnUnsatisfiable } from './warn-conditions.ts';
import {
  callsTools,
  pins,
  TOOL_NAMES,
  warnBelowApproval,
  warnDemand,
  warnSessionOnly,
  warnSpend,
  warnUnreachable,
  warnZero,
} from './warn-rules.ts';

const DECIDED: readonly (readonly [string, string])[] = [
  ['resources', 'resources/read'],
  ['prompts', 'prompts/get'],
  ['sampling', 'sampling/createMessage'],
];

/** Reports every warning about a compiled policy. */
export function warnAbout(policy: Policy, root: Node, counters: CounterTable, context: WarnContext): void {
  // What lacks may be what an unknown key was meant as.
  if (entriesOf(root).every(({ key }) => isPolicyKey(key))) {
    warnDefault(policy, root, context);
    warnUnnamed(root, context);
  }
  warnMethods(policy, root, context);
  warnHidden(policy, context);
  for (const { counter, offset } of counters.unread()) {
    context.report.add(
      'unread-counter',
      offset,
      `the counter "${counter.label}" is kept, but no condition reads it`,
      'add a condition on it, or remove it',
    );
  }
  for (const entry of context.origins.entries.keys()) warnEntry(entry, policy, context);
}

function warnEntry(entry: ToolEntry, policy: Policy, context: WarnContext): void {
  warnUnsatisfiable(entry, context);
  warnUnreachable(entry, context);
  warnBelowApproval(entry, context);
  warnSessionOnly(entry, policy, context);
  warnToolName(entry, context);
  const required = new Set<string>();
  for (const rule of entry.rules) {
    warnDemand(rule, context);
    warnZero(rule, context);
    warnSpend(rule, context);
    warnUnanchored(rule, context);
    warnAbsent(rule, required, context);
    for (const path of requiredPaths(rule)) required.add(path);
  }
}

function warnDefault(policy: Policy, root: Node, { report }: WarnContext): void {
  const written = entryOf(root, 'default');
  const offset = written?.offset ?? root.offset;
  // A misspelt value is an error already.
  if (root.kind !== 'map' || (written && !['allow', 'deny'].includes(textOf(written.value) ?? ''))) return;
  if (policy.default === 'allow') {
    report.add(
      'default-allow',
      offset,
      'tools that the policy does not list are allowed',
      'write "default: deny", and list the tools that may be called',
    );
    return;
  }
  const methods = entryOf(root, 'methods');
  if (methods && methods.value.kind !== 'map' && methods.value.kind !== 'text') return;
  const unset = DECIDED.filter(([, method]) => !policy.methods.some(({ pattern }) => matchesName(pattern, method)));
  if (unset.length === 0) return;
  const names = unset.map(([name]) => name);
  const at = methods?.offset ?? offset;
  report.add(
    'methods-unset',
    at,
    `"default: deny" is about tools; ${names.join(', ')} are not decided, and pass`,
    `decide under "methods", such as "${names[0]}/*": deny`,
  );
}

/** Without a name counters belong to the path of the file (policy.md §7): whoever moves it begins all limits anew. */
function warnUnnamed(root: Node, { report, origins }: WarnContext): void {
  if (entryOf(root, 'name')) return;
  const counting = [...origins.rules].find(([rule]) => rule.rateLimit ?? rule.spend ?? rule.state);
  if (!counting) return;
  const [rule, node] = counting;
  const key = rule.rateLimit ? 'rate_limit' : rule.spend ? 'spend' : 'state';
  report.add(
    'unnamed-counters',
    entryOf(node, key)?.offset ?? node.offset,
    'the policy counts and has no name: its counters belong to the path of the file, and start anew when that is moved',
    'add "name: …" at the top, a name that stays',
  );
}

/** Notifications of MCP always pass, and a glob never decides what a session lives by: such a key only looks like protection. */
function warnMethods(policy: Policy, root: Node, { report }: WarnContext): void {
  const written = entryOf(root, 'methods')?.value;
  for (const { pattern } of policy.methods) {
    const undecided = undecidedBy(pattern);
    if (!undecided) continue;
    const offset = entryOf(written, pattern.text)?.offset ?? written?.offset ?? root.offset;
    const help = undecided.includes('tools/call') ? 'decide calls under "tools" and "default", or write the method in full' : 'remove it';
    report.add('undecided-method', offset, `"${pattern.text}" decides no method of MCP: ${whyUndecided(pattern, undecided)}`, help);
  }
}

function whyUndecided(pattern: NamePattern, undecided: readonly string[]): string {
  if (undecided.every((method) => method.startsWith('notifications/'))) return 'notifications of MCP always pass';
  if (pattern.kind === 'exact') return 'what resembles a method of MCP is always refused';
  return `a glob does not reach ${undecided.join(', ')}`;
}

function warnHidden(policy: Policy, { report, origins }: WarnContext): void {
  for (const [entry, offset] of origins.entries) {
    const hide = policy.hide.find((pattern) => covers(pattern, entry));
    if (!hide || entry.key === '*') continue;
    report.add('hidden-and-listed', offset, `"${entry.key}" is listed, and hidden by "${hide.text}"`, 'remove it from one of them');
  }
}

function covers(pattern: NamePattern, { pattern: own, key }: ToolEntry): boolean {
  return pattern.text === key || (own.kind === 'exact' && matchesName(pattern, key));
}

/** Warns of a tool that calls others: the rules of the tool that it calls do not see that. */
function warnToolName(entry: ToolEntry, { report, origins }: WarnContext): void {
  if (entry.key === '*' || !callsTools(entry.key, [])) return;
  if (entry.rules.some((rule) => rule.action === 'deny') || TOOL_NAMES.some((name) => pins(entry.rules, name))) return;
  report.add(
    'takes-tool-name',
    origins.entries.get(entry) ?? 0,
    `"${entry.key}" looks like a tool that calls other tools, which their own rules do not see`,
    'deny it, or list the names it may take',
  );
}
