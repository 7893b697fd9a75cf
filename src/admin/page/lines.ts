/** The list of what waits: one line for each call, which distinguishes it from the others. */
import type { ApprovalLine, BriefArgument } from '../../console/api.ts';
import type { Approval } from '../../core/approval.ts';
import type { Json } from '../../core/json.ts';
import { revealText } from '../../core/reveal.ts';
import { type PlainRow, plainRowsOf, revealRow } from './rows.ts';
import { optional } from './view.ts';

/** Characters of a call's arguments that are read for its line; of longer ones the beginning is shown as it is. */
const MOST_READ = 512;
/** The store is asked for one character more, which shows that there is more. */
export const LINE_ARGS = MOST_READ + 1;
const MOST_ARGUMENTS = 6;
const MOST_CHARACTERS = 60;

interface Keyed {
  readonly row: PlainRow;
  /** The same for the same argument of another call. */
  readonly key: string;
}

/** All lines. Of the calls of one tool, what is the same in each stands behind what differs. */
export function viewLines(approvals: readonly Approval[], now: number, readJson: (text: string) => Json): readonly ApprovalLine[] {
  const all = approvals.map((approval) => ({ approval, rows: rowsOfLine(approval.args, readJson) }));
  const lines = new Map<Approval, ApprovalLine>();
  for (const calls of Map.groupBy(all, ({ approval: { tool } }) => tool).values()) {
    const counts = new Map<string, number>();
    for (const { rows } of calls) for (const { key } of rows) counts.set(key, (counts.get(key) ?? 0) + 1);
    const isCommon = ({ key }: Keyed) => Number(counts.get(key) === calls.length);
    for (const { approval, rows } of calls)
      lines.set(
        approval,
        viewLine(
          approval,
          now,
          rows.toSorted((left, right) => isCommon(left) - isCommon(right)),
        ),
      );
  }
  return approvals.flatMap((approval) => lines.get(approval) ?? []);
}

function viewLine(approval: Approval, now: number, rows: readonly Keyed[]): ApprovalLine {
  const { id, tool, agent, evidence, rule, message, createdAt, expiresAt } = approval;
  return {
    id,
    tool: revealText(tool),
    agent: optional(agent),
    credential: optional(evidence.credential),
    rule: revealText(rule),
    message: revealText(message),
    args: rows.slice(0, MOST_ARGUMENTS).map(({ row }) => brief(row)),
    hasMore: rows.length > MOST_ARGUMENTS || approval.args.length > MOST_READ,
    age: now - createdAt,
    expiresIn: expiresAt - now,
  };
}

/** An empty object has no arguments. */
function rowsOfLine(args: string, readJson: (text: string) => Json): readonly Keyed[] {
  const rows =
    args.length > MOST_READ
      ? [{ path: '', type: 'text', text: args, twin: false }]
      : plainRowsOf(readJson(args)).rows.filter(({ path, text }) => path !== '' || text !== '');
  return rows.map((row) => ({ row, key: JSON.stringify([row.path, row.type, row.text]) }));
}

/** Cuts between characters. */
function brief(row: PlainRow): BriefArgument {
  const [path, text] = [cut(row.path), cut(row.text)];
  const revealed = revealRow({ ...row, path, text });
  return { path: revealed.path, type: row.type, value: revealed.value, isCut: path !== row.path || text !== row.text };
}

function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : [...text.slice(0, 2 * MOST_CHARACTERS)].slice(0, MOST_CHARACTERS).join('');
}
