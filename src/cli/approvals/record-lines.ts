/** A record as a person reads it before deciding: all of it (cli.md §3). */
import { type Approval, type FiredRule, saidBy } from '../../core/approval.ts';
import type { Colour, Paint } from '../paint.ts';
import { relative, timeOf } from '../spans.ts';
import { charactersBeyond, fill, markName, renderArguments, wrap } from './marked.ts';

const LABEL = 12;
/** Characters beyond ASCII that are named one by one. */
const MOST_NAMED = 12;

/** Lays out the arguments of a record, below its facts. */
export type ArgumentLines = (record: Approval, width: number) => readonly string[];

/** The lines of a record, none wider than `width`; only colour is added to them. */
export function renderRecordLines(record: Approval, now: number, width: number, args: ArgumentLines = argumentLines): readonly string[] {
  const { evidence } = record;
  const facts: readonly (readonly [string, string])[] = [
    ['', `${record.id}  ${stateOf(record, now)}`],
    ['tool', markName(record.tool)],
    ['agent', record.agent === undefined ? 'unknown' : markName(record.agent)],
    ...(evidence.credential === undefined ? [] : [['credential', `${markName(evidence.credential)}… (its hash)`] as const]),
    ['policy', `${markName(evidence.policy ?? '(no name)')}, revision ${evidence.revision}`],
    ['server', markName(evidence.upstream.replaceAll('\0', ' '))],
    ...(evidence.client === undefined ? [] : [['client', `calls itself ${markName(evidence.client)}`] as const]),
    ...rulesOf(record).map((rule) => ['held by', rule] as const),
    ...evidence.overrides.map((requirement) => ['overrides', `${markName(requirement)}`] as const),
    ['asked', `${relative(record.createdAt, now)}, ${timeOf(record.createdAt)}`],
    ...decisionOf(record, now),
    ['note', 'the tool may ask for more input; the answers are not shown here'],
    ['arguments', ''],
  ];
  return [...facts.flatMap(([label, text]) => labelled(label, text, width)), ...args(record, width)];
}

/** Keeps what was laid out last: a record's arguments never change, and a screen is drawn twice a second. */
export function keepArgumentLines(): ArgumentLines {
  let key = '';
  let lines: readonly string[] = [];
  return (record, width) => {
    const wanted = `${record.id} ${width}`;
    if (key !== wanted) lines = argumentLines(record, width);
    key = wanted;
    return lines;
  };
}

/** `pending, expires in 12m`. */
export function stateOf(record: Approval, now: number): string {
  const { state, expiresAt, decidedAt, decidedBy, consumedAt } = record;
  const by = decidedBy === undefined ? '' : ` by ${markName(decidedBy)}`;
  switch (state) {
    case 'pending':
      return `pending, expires ${relative(expiresAt, now)}`;
    case 'approved':
      return `approved${by}, expires ${relative(expiresAt, now)}`;
    case 'denied':
      return `denied${by}${decidedAt === undefined ? '' : ` ${relative(decidedAt, now)}`}`;
    case 'expired':
      return `expired ${relative(expiresAt, now)}`;
    case 'consumed':
      return `consumed${consumedAt === undefined ? '' : ` ${relative(consumedAt, now)}`}`;
  }
}

/** Marks and warnings in colour, and nothing else: the text is laid out already. */
export function paintLine(line: string, paint: Paint): string {
  return line.replace(/⟨[^⟩]*⟩?|‹\d+ blanks›|\\u[0-9a-f]{4}|^ {2}(?:overrides|note) .*$/g, (mark) => paint(colourOf(mark), mark));
}

function colourOf(mark: string): Colour {
  if (mark.startsWith('  ')) return 'yellow';
  return mark.startsWith('\\') || mark.startsWith('‹') ? 'red' : 'cyan';
}

function rulesOf({ evidence: { rules }, rule, message }: Approval): readonly string[] {
  const all: readonly FiredRule[] = rules.length > 0 ? rules : [{ rule, message }];
  return all.map((fired) => `${markName(fired.rule)}: ${markName(saidBy(fired))}`);
}

function decisionOf({ state, decidedAt, decidedBy, reason, attempts, retries }: Approval, now: number): (readonly [string, string])[] {
  if (decidedAt === undefined) return [];
  const verdict = state === 'denied' ? 'denied' : state === 'pending' ? 'decided' : 'approved';
  const why = reason === undefined || reason === '' ? '' : `: ${markName(reason)}`;
  const facts: (readonly [string, string])[] = [
    ['decided', `${verdict} by ${markName(decidedBy ?? 'unknown')} ${relative(decidedAt, now)}, ${timeOf(decidedAt)}${why}`],
  ];
  if (attempts > 0) facts.push(['attempts', `${attempts}; after a failure it may be repeated ${retries} times`]);
  return facts;
}

/** Below each other, so that no text of an agent begins where a label does. */
function labelled(label: string, text: string, width: number): readonly string[] {
  if (label === '') return wrap(text, width);
  const textWidth = Math.max(width - LABEL - 2, 1);
  return fill(text, textWidth, textWidth).map((line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL)}${line}`.trimEnd());
}

function argumentLines({ args, evidence: { meta } }: Approval, width: number): readonly string[] {
  return [
    ...valueLines(args, width),
    // SECURITY: under a label of its own, which no argument can look like: it stands where labels do.
    ...(meta === undefined ? [] : ['  beside them, in _meta', ...valueLines(meta, width)]),
  ];
}

function valueLines(args: string, width: number): readonly string[] {
  const beyond = charactersBeyond(args);
  const named = beyond.slice(0, MOST_NAMED).join(', ');
  const more = beyond.length > MOST_NAMED ? `, and ${beyond.length - MOST_NAMED} more` : '';
  return [
    ...renderArguments(args, width - 4).map((line) => `    ${line}`),
    ...(beyond.length === 0 ? [] : labelled('beyond', `${named}${more}`, width)),
  ];
}
