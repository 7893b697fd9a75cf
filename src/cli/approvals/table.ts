/** Records below each other, one to the line, with what distinguishes them: enough to find one, and not to decide on. Pure. */
import type { Approval } from '../../core/approval.ts';
import { membersAt } from '../../mcp/json/edit.ts';
import { shown } from '../paint.ts';
import { spanOf } from '../spans.ts';
import { columnsOf } from './marked.ts';
import { stateOf } from './record-lines.ts';

/** From here on whole ids fit, and for the rule. */
const WIDE = 120;
const SHORTEST_ID = 'apr_'.length + 6;
/** Arguments take as much where nothing says how wide a line may be. */
const ARGS = 200;
/** Longer arguments are shown as they are, from their beginning. */
export const LONGEST_ARGS = 2_000;

export interface TableView {
  readonly now: number;
  /** Of a line; undefined where the output is no terminal. */
  readonly columns: number | undefined;
  /** Decided and expired ones stand among them. */
  readonly isAll: boolean;
}

/** A table whose columns stay where they are for the pages that follow. */
export interface Table {
  readonly head: string;
  rowsOf(records: readonly Approval[]): readonly string[];
}

interface Column {
  readonly title: string;
  /** So that a column does not widen as time goes. */
  readonly least?: number;
  readonly most: number;
  of(record: Approval): string;
}

/** Lays out a table for these records and more of their kind. */
export function layTable(records: readonly Approval[], { now, columns, isAll }: TableView): Table {
  const isWide = columns === undefined || columns >= WIDE;
  const idLength = isWide ? Number.POSITIVE_INFINITY : idLengthOf(records);
  const layout: readonly Column[] = [
    { title: 'ID', most: 24, of: ({ id }) => id.slice(0, idLength) },
    { title: 'ASKED', least: 7, most: 8, of: ({ createdAt }) => `${roughly(now - createdAt)} ago` },
    isAll
      ? { title: 'STATE', most: isWide ? 40 : 18, of: (record) => stateOf(record, now) }
      : { title: 'LEFT', most: 8, of: ({ expiresAt }) => roughly(expiresAt - now) },
    { title: 'AGENT', most: isWide ? 30 : 12, of: agentOf },
    { title: 'TOOL', most: isWide ? 40 : 20, of: ({ tool }) => shown(tool, 60) },
    ...(isWide ? [{ title: 'RULE', most: 30, of: ({ rule }: Approval) => shown(rule, 60) }] : []),
  ];
  const widths = layout.map((column) => clamp(widest([column.title, ...records.map(column.of)]), column));
  const widthLeft = columns === undefined ? ARGS : Math.max(columns - widths.reduce((sum, width) => sum + width + 2, 0), 0);
  const lineOf = (cells: readonly string[], last: string) =>
    fit(
      [...cells.map((cell, i) => pad(cell, widths[i] ?? 0)), fit(last, widthLeft)].join('  '),
      columns ?? Number.POSITIVE_INFINITY,
    ).trimEnd();
  return {
    head: lineOf(
      layout.map(({ title }) => title),
      'ARGUMENTS',
    ),
    rowsOf(page) {
      const args = renderDifferences(page);
      return page.map((record, i) =>
        lineOf(
          layout.map((column) => column.of(record)),
          args[i] ?? '',
        ),
      );
    },
  };
}

/** The arguments of each on one line: first those that differ from the other calls of its tool, and numbers before the rest. */
export function renderDifferences(records: readonly Approval[]): readonly string[] {
  const all = records.map(({ tool, args }) => ({ tool, args, members: membersOf(args) }));
  const values = new Map<string, Set<string>>();
  for (const { tool, members } of all)
    for (const [key, value] of members ?? []) {
      const name = JSON.stringify([tool, key]);
      values.set(name, (values.get(name) ?? new Set()).add(value));
    }
  return all.map(({ tool, args, members }) => {
    if (!members) return shown(args, ARGS * 2);
    const rank = ([key, value]: readonly [string, string]) =>
      (values.get(JSON.stringify([tool, key]))?.size === 1 ? 2 : 0) + (/^[-\d]/.test(value) ? 0 : 1);
    const sorted = members.toSorted((a, b) => rank(a) - rank(b));
    return shown(sorted.map(([key, value]) => `${key}=${value}`).join(' '), ARGS * 2);
  });
}

/** The members of the arguments as they are written; undefined where the text is long, cut, or no object. */
function membersOf(args: string): readonly (readonly [string, string])[] | undefined {
  if (args.length > LONGEST_ARGS || !args.startsWith('{') || !args.endsWith('}')) return undefined;
  return membersAt(args, 0).map(({ key, start, end }) => [key, args.slice(start, end)]);
}

/** The credential's hash stands beside the name: of those without one there may be several. */
function agentOf({ agent, evidence: { credential } }: Approval): string {
  const hash = credential === undefined ? '' : `#${shown(credential, 8)}`;
  return agent === undefined ? hash || 'unknown' : `${shown(agent, 30)}${hash && ` ${hash}`}`;
}

/** The shortest beginning that distinguishes all of them. */
function idLengthOf(records: readonly Approval[]): number {
  let length = SHORTEST_ID;
  while (length < 24 && new Set(records.map(({ id }) => id.slice(0, length))).size < records.length) length++;
  return length;
}

function roughly(ms: number): string {
  return spanOf(ms).split(' ')[0] ?? '';
}

function clamp(width: number, { least = 0, most }: Column): number {
  return Math.min(Math.max(width, least), most);
}

function widest(cells: readonly string[]): number {
  return cells.reduce((most, cell) => Math.max(most, columnsOf(cell)), 0);
}

function pad(text: string, width: number): string {
  const cell = fit(text, width);
  return cell + ' '.repeat(width - columnsOf(cell));
}

/** Cuts what is wider, with a mark. */
export function fit(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const kept = [...text];
  while (kept.length > 0 && columnsOf(kept.join('')) > columns - 1) kept.pop();
  return columns < 1 ? '' : `${kept.join('')}…`;
}
