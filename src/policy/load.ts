/** A policy's text to a compiled policy, or to everything that is wrong with it (policy.md §14). */
import type { Diagnostic } from '../core/diagnostic.ts';
import type { Policy, Position, Rule } from '../core/policy.ts';
import { checkShape } from './check.ts';
import { compilePolicy, rulesByKey } from './compile/compile.ts';
import { collectCounters } from './compile/counters.ts';
import { type Folders, placeFolders } from './compile/folders.ts';
import { type Origins, offsetOfPath } from './compile/origins.ts';
import { POLICY } from './format/format.ts';
import { itemsOf, type MapNode, type Node, textOf, valueAt } from './format/tree.ts';
import { parseYaml } from './format/yaml.ts';
import { openPositions, openReport, type Report } from './report.ts';
import { loadRegexCompiler } from './schema/regex.ts';
import { loadSchemas } from './schema/schema.ts';
import { sha256 } from './sha256.ts';
import { warnAbout } from './warn/warn.ts';

/** `policy` is undefined exactly when there is an error among the diagnostics, which are sorted by position. */
export interface Loaded {
  readonly policy: Policy | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Where a rule of the policy names an argument by this path. */
  placeOf(rule: Rule, path: string): Position;
}

const MAX_TEXT = 1_048_576;

/** Loads a policy. `folders` is what folders may begin with. Never throws for what stands in the text. */
export async function loadPolicyText(text: string, folders: Folders = {}): Promise<Loaded> {
  const report = openReport(openPositions(text.length > MAX_TEXT ? '' : text));
  const origins: Origins = { rules: new Map(), conditions: new Map(), entries: new Map() };
  const policy = await load(text, folders, origins, report);
  return {
    // INVARIANT I8: a policy with one error is no policy.
    policy: report.hasErrors() ? undefined : policy,
    diagnostics: report.all(),
    placeOf: (rule, path) => report.positionOf(offsetOfPath(rule, path, origins)),
  };
}

async function load(text: string, folders: Folders, origins: Origins, report: Report): Promise<Policy | undefined> {
  if (text.length > MAX_TEXT) {
    report.add('too-large', 0, `the policy is over ${MAX_TEXT} characters`, 'split it: one policy per server');
    return undefined;
  }
  const written = parseYaml(text, report);
  if (!written) return undefined;
  checkShape(written, POLICY, 'the policy', report);
  const { root, used } = placeFolders(written, folders, report);
  const rules = rulesByKey(root);
  const all = [...rules.values()].flat();
  const [regex, schemas] = await Promise.all([
    hasRegex(all) ? loadRegexCompiler() : undefined,
    hasSchemas(all) ? loadSchemas() : undefined,
  ]);
  const counters = collectCounters(rules, report);
  const revision = sha256(used.length === 0 ? text : `${text}\0${used.join('\0')}`).slice(0, 12);
  const policy = compilePolicy(root, revision, { report, regex, schemas, counters, origins });
  warnAbout(policy, root, counters, { report, origins });
  return policy;
}

function hasRegex(rules: readonly MapNode[]): boolean {
  return rules.some((rule) => [...itemsOf(valueAt(rule, 'conditions')), ...itemsOf(valueAt(rule, 'when'))].some(isRegex));
}

function isRegex(condition: Node): boolean {
  return textOf(valueAt(condition, 'op'))?.endsWith('regex') === true;
}

function hasSchemas(rules: readonly MapNode[]): boolean {
  return rules.some((rule) => rule.entries.has('arguments'));
}
