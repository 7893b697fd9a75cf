/** Lays out the screen of `approvals watch`: the list, and below it the selected record. Pure. */
import type { Drawn } from '../../approval/seen.ts';
import type { Approval } from '../../core/approval.ts';
import { type Paint, shown } from '../paint.ts';
import type { Size } from '../terminal.ts';
import { columnsOf } from './marked.ts';
import { type ArgumentLines, paintLine, renderRecordLines } from './record-lines.ts';
import { fit, layTable } from './table.ts';
import { refuseVerdict, type WatchState } from './watch-state.ts';

const NARROWEST = 30;
const LOWEST = 8;
/** Longer arguments, in characters, would make every key wait: they are read with `approvals show`. */
export const LONGEST = 262_144;

export interface Drawing {
  /** As many as the terminal has rows, each no wider than it. */
  readonly lines: readonly string[];
  readonly drawn: Drawn | undefined;
  /** The first line of the record, which cannot go beyond its end. */
  readonly top: number;
}

/** A drawing needs these besides the state. */
export interface DrawingInput {
  readonly size: Size;
  readonly now: number;
  readonly paint: Paint;
  readonly args: ArgumentLines;
  /** Why whoever watches may not decide. */
  readonly refusal: string | undefined;
}

/** Lays the screen out. */
export function layOut(state: WatchState, view: DrawingInput): Drawing {
  const { now, paint } = view;
  const { columns, rows } = view.size;
  if (columns < NARROWEST || rows < LOWEST) return { lines: [fit('the window is too small', columns)], drawn: undefined, top: 0 };
  const record = state.records.find(({ id }) => id === state.selected);
  const head = paint('bold', fit(headline(state), columns));
  const foot = footer(state, view);
  if (!record) return { lines: [head, '', fit('new calls appear here', columns), ...blank(rows - 4), foot], drawn: undefined, top: 0 };
  const list = state.mode === 'whole' ? [] : listLines(state, columns, Math.max(1, Math.floor(rows / 3) - 2), now, paint);
  const height = rows - list.length - 3;
  const pane = recordPane(record, height, state.mode === 'whole' ? state.top : 0, view);
  return { ...pane, lines: [head, ...list, paint('dim', '─'.repeat(columns)), ...pane.lines, ...blank(height - pane.lines.length), foot] };
}

function headline({ records }: WatchState): string {
  if (records.length === 0) return 'nothing waits for approval';
  return `${records.length === 1 ? '1 call' : `${records.length} calls`} waiting for approval`;
}

/** A window of the list around the selected one. */
function listLines(state: WatchState, columns: number, height: number, now: number, paint: Paint): readonly string[] {
  const { records, selected } = state;
  const place = Math.max(
    0,
    records.findIndex(({ id }) => id === selected),
  );
  const first = Math.max(0, Math.min(place - Math.floor(height / 2), records.length - height));
  const inView = records.slice(first, first + height);
  const table = layTable(inView, { now, columns: columns - 2, isAll: false });
  const rows = table.rowsOf(inView).map((row, i) => (inView[i]?.id === selected ? paint('bold', `> ${row}`) : `  ${row}`));
  return [paint('dim', `  ${table.head}`), ...rows];
}

function recordPane(record: Approval, height: number, wanted: number, { size: { columns }, now, paint, args }: DrawingInput): Drawing {
  const isLong = record.args.length + (record.evidence.meta?.length ?? 0) > LONGEST;
  const all = renderRecordLines(record, now, columns, isLong ? () => ['    too long for this view: see "intercept approvals show"'] : args);
  const top = Math.max(0, Math.min(wanted, all.length - height));
  const isCut = all.length > top + height;
  // The last row says that there is more, and hides a line for it.
  const to = isCut ? top + height - 1 : all.length;
  const lines = all.slice(top, to).map((line) => paintLine(line, paint));
  const more = isCut ? [paint('yellow', fit(`… ${all.length - to} more lines: s shows them, space goes on`, columns))] : [];
  return {
    lines: [...lines, ...more],
    drawn: { id: record.id, width: columns, from: top, to, total: isLong ? Number.POSITIVE_INFINITY : all.length },
    top,
  };
}

function footer(state: WatchState, { size: { columns }, now, paint, refusal }: DrawingInput): string {
  if (state.mode === 'reason') return paint('yellow', fitEnd('why denied? ', state.reason, columns - 1));
  if (state.notice && state.notice.until > now) return paint('yellow', fit(state.notice.text, columns));
  if (refusal !== undefined) return paint('yellow', fit(`${refusal}; q quits`, columns));
  if (state.selected === undefined) return paint('dim', 'q quit');
  const isReady = refuseVerdict(state, 'approve', now) === undefined;
  const keys = columns >= 60 ? 'a approve  d deny  s whole  ↑↓ select  q quit' : 'a yes  d no  s whole  q quit';
  return isReady ? fit(keys, columns) : paint('dim', fit(keys, columns));
}

/** The question, and as much of the end of what is typed as fits. */
function fitEnd(question: string, typed: string, columns: number): string {
  const safe = [...shown(typed, 2_000)];
  while (columnsOf(question) + columnsOf(safe.join('')) > columns) safe.shift();
  return question + safe.join('');
}

function blank(count: number): readonly string[] {
  return Array.from({ length: Math.max(0, count) }, () => '');
}
