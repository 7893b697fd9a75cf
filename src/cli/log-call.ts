/** Rows of `intercept log` about one request: a call, its end, another method. Also shows any single field. */
import { renderName } from '../audit/escape.ts';
import { type SelectedLine, textOf } from '../audit/evidence/select.ts';
import { REASONS } from '../core/codes.ts';
import { BY_METHODS } from '../core/plan.ts';
import { openScan, scanObject } from '../mcp/json/scan.ts';
import type { Member } from '../mcp/json/scan-types.ts';
import { type Colour, shown } from './paint.ts';

/** One line, and what explains it where somebody asks why. */
export interface LogRow {
  readonly word: string;
  readonly colour: Colour;
  /** Of a tool, a method, a policy. */
  readonly name: string;
  readonly details: readonly (string | undefined)[];
  readonly why?: readonly string[];
}

export type RowRender = (line: SelectedLine) => LogRow | undefined;

/** Arguments take this much of a line that no width bounds; `--json` has them whole. */
const MOST = 2_048;
/** Nothing deeper passes a proxy; a file that somebody else wrote may hold it. */
const DEEPEST = 300;

export const CALL_ROWS: Readonly<Record<string, RowRender>> = {
  tool_call: (line) => {
    const { record } = line;
    const verdict = verdictOf(record);
    const details = [agentOf(line), byRule(verdict.rule, verdict.code), textIn(record.approval)];
    return { ...verdict, name: nameOf(line.tool), details: [...details, argsOf(line)], ...(verdict.isStopped && { why: whyOf(record) }) };
  },
  outcome: (line) => {
    const { result, error, unpriced } = line.record;
    const name = nameOf(line.tool);
    if (result === 'kept')
      return {
        word: 'unknown',
        colour: 'red',
        name,
        details: [agentOf(line), 'nobody knows how it ended, and it stays counted', textIn(error)],
      };
    if (result === 'released') return { word: 'failed', colour: 'yellow', name, details: [agentOf(line), failureOf(error)] };
    if (unpriced !== true) return undefined;
    return { word: 'unpriced', colour: 'yellow', name, details: [agentOf(line), 'nothing said what the call costs'] };
  },
  request: (line) => {
    const { record } = line;
    const isDenied = record.result === 'denied';
    return {
      word: isDenied ? 'denied' : record.shadow === true ? 'shadow-denied' : 'allowed',
      colour: isDenied ? 'red' : record.shadow === true ? 'yellow' : 'green',
      name: nameOf(record.method),
      details: [
        agentOf(line),
        record.from === 'server' ? 'from the server' : undefined,
        byRule(record.rule, record.code),
        ...[record.uri, record.name, record.task].map(textIn),
      ],
      ...(isDenied && { why: record.rule === BY_METHODS ? ['the policy does not permit this method'] : whyOf(record) }),
    };
  },
};

/** SPEC: policy.md §10. A call that passed only because of shadow mode shows what would have stopped it: deny before hold. */
function verdictOf({ result, rule, code, would }: SelectedLine['record']): Pick<LogRow, 'word' | 'colour'> & {
  readonly rule: unknown;
  readonly code: unknown;
  readonly isStopped: boolean;
} {
  if (result === 'denied') return { word: 'denied', colour: 'red', rule, code, isStopped: true };
  if (result === 'approval_required') return { word: 'held', colour: 'yellow', rule, code, isStopped: true };
  const verdicts = (Array.isArray(would) ? would : []) as readonly (Readonly<Record<string, unknown>> | null)[];
  const shadow = verdicts.find((verdict) => verdict?.result === 'denied') ?? verdicts[0];
  if (shadow)
    return {
      word: shadow.result === 'denied' ? 'shadow-denied' : 'shadow-held',
      colour: 'yellow',
      rule: shadow.rule,
      code: shadow.code,
      isStopped: false,
    };
  return { word: shown(String(result), 20), colour: 'green', rule: undefined, code: undefined, isStopped: false };
}

/** The rule and the decision say as much. */
const PLAIN_CODES: ReadonlySet<unknown> = new Set(['rule', 'approval_required']);

/** Lists the agent's message, what exactly did not hold, and what the code means where the rule does not say it. */
function whyOf({ message, why, code }: SelectedLine['record']): readonly string[] {
  const about = typeof code === 'string' && Object.hasOwn(REASONS, code) ? REASONS[code as keyof typeof REASONS].about : undefined;
  const meaning = PLAIN_CODES.has(code) || about === undefined ? undefined : `${String(code)}: ${about}`;
  return [textIn(message), textIn(why), meaning].filter((text) => text !== undefined);
}

/** Renders the server's error of a call that did not succeed. */
function failureOf(error: unknown): string {
  return error === 'isError' ? 'the tool answered with an error' : (textIn(error) ?? 'it did not succeed');
}

function byRule(rule: unknown, code: unknown): string | undefined {
  if (typeof rule === 'string') return `by ${rule.startsWith('(') ? shown(rule) : shown(JSON.stringify(rule))}`;
  return textIn(code);
}

/** The text of the record, since a double may be another number than the agent sent. */
function argsOf({ record, text }: SelectedLine): string | undefined {
  if (record.args === undefined) return typeof record.args_bytes === 'number' ? `(${record.args_bytes} bytes of arguments)` : undefined;
  const members: Member[] = [];
  scanObject(openScan(text, { strict: false, maxDepth: DEEPEST, anySpace: true }), 0, 1, members, false);
  const member = members.findLast(({ key }) => key === 'args');
  return member === undefined ? undefined : shown(text.slice(member.start, member.end), MOST);
}

export function agentOf({ agent }: SelectedLine): string | undefined {
  return agent === undefined ? undefined : renderName(agent);
}

export function nameOf(name: unknown): string {
  return shown(textOf(name) ?? '', 60);
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? shown(value, MOST) : undefined;
}
