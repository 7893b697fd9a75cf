/** A policy test file's text to cases, or to everything that is wrong with it (policy.md §15). */
import type { Diagnostic } from '../../core/diagnostic.ts';
import { renderJson } from '../../mcp/json/values.ts';
import { entriesOf, type MapNode, type Node, toJson } from '../../policy/format/tree.ts';
import { parseYaml } from '../../policy/format/yaml.ts';
import { openPositions, openReport, type Report } from '../../policy/report.ts';
import type { RegexCompiler } from '../../policy/schema/regex.ts';
import { type Fields, readFields } from './fields.ts';
import type { TestCase, TestFile } from './model.ts';
import { parseStep } from './step.ts';

const FILE_KEYS = ['policy', 'now', 'tools', 'cases'];
const CASE_KEYS = ['name', 'agent', 'now', 'steps'];
const START = Date.UTC(2026, 0, 1);

export interface ParsedTests {
  readonly file: TestFile | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a test file. `patterns` compiles the patterns of messages. */
export function parseTests(text: string, patterns: RegexCompiler): ParsedTests {
  const report = openReport(openPositions(text));
  const root = parseYaml(text, report);
  const fields = root && readFields(root, 'a test file', FILE_KEYS, report);
  const file = root && fields && fileOf(text, root, fields, report, patterns);
  return { file: report.hasErrors() ? undefined : file, diagnostics: report.all() };
}

function fileOf(text: string, root: Node, fields: Fields, report: Report, patterns: RegexCompiler): TestFile | undefined {
  const policy = policyOf(text, root, fields);
  if (!policy)
    report.add(
      'missing-key',
      fields.offset,
      '"policy" is missing, or neither a file nor a policy',
      'write `policy: policy.yaml`, relative to this file',
    );
  const nodes = fields.list('cases');
  if (nodes.length === 0) report.add('missing-key', fields.offset, '"cases" is missing or empty', 'write `cases: [{name: …, steps: […]}]`');
  const cases = nodes.flatMap((node) => caseOf(node, report, patterns));
  return policy && { policy, now: fields.instant('now') ?? START, tools: fields.text('tools'), cases };
}

function caseOf(node: Node, report: Report, patterns: RegexCompiler): TestCase[] {
  const fields = readFields(node, 'a case', CASE_KEYS, report);
  if (!fields) return [];
  const name = fields.text('name');
  if (name === undefined) report.add('missing-key', node.offset, 'a case has a "name"');
  const steps = fields.list('steps');
  if (steps.length === 0) report.add('missing-key', node.offset, `case "${name ?? ''}" has no "steps"`);
  const parsed = steps.flatMap((step) => parseStep(step, report, patterns) ?? []);
  const { line } = report.positionOf(node.offset);
  return [{ name: name ?? '', line, agent: fields.text('agent'), now: fields.instant('now'), steps: parsed }];
}

function policyOf(text: string, root: Node, fields: Fields): TestFile['policy'] | undefined {
  const node = fields.node('policy');
  if (node?.kind === 'text') return { kind: 'file', path: node.text };
  return node?.kind === 'map' ? { kind: 'inline', text: inlineText(text, root, node) } : undefined;
}

/** The policy's own text, left where it stands, so that what is wrong with it has the line and column of this file. */
function inlineText(text: string, root: Node, policy: MapNode): string {
  if (text[root.offset] === '{') return renderJson(toJson(policy));
  const following = entriesOf(root)
    .map(({ offset }) => offset)
    .filter((offset) => offset > policy.offset);
  return text.slice(0, policy.offset).replace(/[^\r\n]/g, ' ') + text.slice(policy.offset, Math.min(text.length, ...following));
}
