/** One step of a case: a call and what is expected of it, or something that happens between calls. */
import { REASONS } from '../../core/codes.ts';
import type { JsonObject } from '../../core/json.ts';
import { parseArguments } from '../../engine/arguments.ts';
import { renderJson } from '../../mcp/json/values.ts';
import { entriesOf, type Node, toJson } from '../../policy/format/tree.ts';
import { didYouMean } from '../../policy/nearest.ts';
import type { Report } from '../../policy/report.ts';
import type { RegexCompiler } from '../../policy/schema/regex.ts';
import { type Fields, readFields } from './fields.ts';
import type { CallStep, TestStep } from './model.ts';

const CALL_KEYS = ['call', 'args', 'json', 'after', 'upstream', 'result', 'repeat', 'agent', 'expect', 'rule', 'message', 'code'];
const KINDS = {
  approve: ['approve', 'after'],
  deny: ['deny', 'reason', 'after'],
  pause: ['pause', 'after'],
  resume: ['resume', 'after'],
  after: ['after'],
};
const OUTCOMES = ['allow', 'deny', 'hold', 'replay'] as const;
const UPSTREAM = ['ok', 'error', 'tool_error', 'unknown'] as const;
const CODES = Object.keys(REASONS);

/** Reads a step; undefined where it cannot be read, which the report names. */
export function parseStep(node: Node, report: Report, patterns: RegexCompiler): TestStep | undefined {
  const line = report.positionOf(node.offset).line;
  if (node.kind === 'map' && !node.entries.has('call')) return parseEvent(node, line, report);
  const fields = readFields(node, 'a step', CALL_KEYS, report);
  const call = fields && callOf(fields, report, patterns);
  return call && { ...call, line, after: fields.duration('after') ?? 0 };
}

function parseEvent(node: Extract<Node, { kind: 'map' }>, line: number, report: Report): TestStep | undefined {
  const kind = (Object.keys(KINDS) as (keyof typeof KINDS)[]).find((key) => node.entries.has(key));
  if (!kind) {
    report.add(
      'missing-key',
      node.offset,
      'a step is a call, or one of approve, deny, pause, resume and after',
      nearestKind(node) ?? 'write `{call: tool, expect: allow}`',
    );
    return undefined;
  }
  const fields = readFields(node, `a step with "${kind}"`, KINDS[kind], report);
  if (!fields) return undefined;
  const base = { line, after: fields.duration('after') ?? 0 };
  switch (kind) {
    case 'approve':
    case 'deny':
      if (fields.text(kind) !== 'last') fields.fault(kind, `"${kind}" names the call that was held last`, `write \`${kind}: last\``);
      return { ...base, kind, reason: (kind === 'deny' && fields.text('reason')) || '' };
    case 'pause':
      return { ...base, kind, reason: fields.text('pause') ?? '' };
    case 'resume':
      return { ...base, kind };
    case 'after':
      return { ...base, kind: 'wait' };
  }
}

/** The kind of step that a misspelt key means. */
function nearestKind(node: Extract<Node, { kind: 'map' }>): string | undefined {
  for (const { key } of entriesOf(node)) {
    const found = didYouMean(key, ['call', ...Object.keys(KINDS)]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function callOf(fields: Fields, report: Report, patterns: RegexCompiler): CallStep | undefined {
  const expect = fields.choice('expect', OUTCOMES);
  if (!fields.has('expect'))
    report.add('missing-key', fields.offset, 'a call says what it expects', `write \`expect: allow\`, or one of ${OUTCOMES.join(', ')}`);
  const code = fields.text('code');
  if (code !== undefined && !CODES.includes(code)) fields.fault('code', `unknown code "${code}"`, `one of ${CODES.join(', ')}`);
  const given = argumentsOf(fields);
  const tool = fields.text('call');
  if (expect === 'allow' && (fields.has('rule') || fields.has('message') || code))
    fields.fault('expect', 'an allowed call has no "rule", "message" or "code"');
  if (tool === undefined || !expect) return undefined;
  const agent = fields.text('agent');
  const upstream = fields.choice('upstream', UPSTREAM) ?? 'ok';
  const repeat = fields.count('repeat') ?? 1;
  return {
    kind: 'call',
    tool,
    ...given,
    agent,
    upstream,
    result: resultOf(fields),
    repeat,
    expect,
    rule: fields.text('rule'),
    code,
    message: messageOf(fields, patterns),
  };
}

function argumentsOf(fields: Fields): { readonly args: JsonObject; readonly argsText: string } {
  if (fields.has('args') && fields.has('json')) fields.fault('json', '"args" and "json" say the same thing', 'remove one of them');
  const json = fields.text('json');
  if (json !== undefined) return fromText(json, fields);
  const node = fields.node('args');
  const value = node ? toJson(node) : new Map();
  if (value instanceof Map) return { args: value, argsText: renderJson(value) };
  if (value !== null) fields.fault('args', '"args" is a map');
  return { args: new Map(), argsText: '{}' };
}

function resultOf(fields: Fields): string | undefined {
  const node = fields.node('result');
  const value = node && toJson(node);
  if (value === undefined || value instanceof Map) return value && renderJson(value);
  fields.fault('result', '"result" is a map, as a server answers with: `{content: [{type: text, text: done}]}`');
  return undefined;
}

function fromText(json: string, fields: Fields): { readonly args: JsonObject; readonly argsText: string } {
  const parsed = parseArguments(json);
  if (parsed.ok) return { args: parsed.args, argsText: json };
  fields.fault('json', `no server would get these arguments: ${parsed.why}`);
  return { args: new Map(), argsText: '{}' };
}

function messageOf(fields: Fields, patterns: RegexCompiler): CallStep['message'] {
  const text = fields.text('message');
  const pattern = text === undefined ? undefined : /^\/(.*)\/$/s.exec(text)?.[1];
  if (pattern === undefined) return text;
  const regex = patterns(pattern);
  if (regex.ok) return { pattern, matches: (message) => regex.matches(message) === true };
  fields.fault('message', `the pattern is refused: ${regex.why}`);
  return undefined;
}
