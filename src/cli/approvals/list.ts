/** `intercept approvals list`, `show` and `expire`. */
import { type FoundRecords, findApproval, pagesOf, wholeOf } from '../../approval/records.ts';
import type { Approval } from '../../core/approval.ts';
import { renderApproval } from '../../core/approval-json.ts';
import { CommandError, EXIT } from '../../core/fault.ts';
import type { OwnPlaces } from '../../run/own-folders.ts';
import { expireInOwnRecords } from '../../run/own-records.ts';
import { createPaint, shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import { paintLine, renderRecordLines, stateOf } from './record-lines.ts';
import { LONGEST_ARGS, layTable, type Table } from './table.ts';

/** Where a terminal does not say how wide it is. */
const WIDTH = 80;
/** Records that an ambiguous id lists. */
const MOST_LISTED = 10;

export interface ApprovalsOptions extends OwnPlaces {
  readonly json: boolean;
}

export interface ListOptions extends ApprovalsOptions {
  /** Decided and expired ones too. */
  readonly all: boolean;
}

/** Lists what waits, or everything that is kept: some at a time, for each may be as long as a message. */
export async function listApprovals({ state, json, all }: ListOptions, terminal: Terminal): Promise<number> {
  const filter = { state: all ? undefined : 'pending', argsLimit: json ? 0 : LONGEST_ARGS + 1 } as const;
  const print = json ? openArray(terminal) : undefined;
  const printed = openTable(terminal, all);
  const count = await state.withRecords(async ({ approvals }) => {
    let listed = 0;
    for await (const page of pagesOf(approvals, filter)) {
      if (print) for await (const whole of wholeOf(page, approvals)) print.add(renderApproval(whole, whole.args));
      else printed.add(page);
      listed += page.length;
    }
    return listed;
  });
  if (print) print.end();
  else if (count === undefined) terminal.out(`no state at ${state.name}: no proxy has run with it yet`);
  else if (count === 0) terminal.out(all ? 'no approvals are kept' : 'nothing waits for approval');
  return EXIT.done;
}

/** Shows a record whole. */
export async function showApproval(id: string, { state, json }: ApprovalsOptions, terminal: Terminal): Promise<number> {
  const found = await state.withRecords(({ approvals }) => findApproval(approvals, id));
  const record = expectFound(found ?? { kind: 'none' }, id);
  if (json) terminal.out(renderApproval(record, record.args));
  else {
    const paint = createPaint(terminal.colour);
    for (const line of renderRecordLines(record, Date.now(), Math.max(terminal.size()?.columns ?? WIDTH, 40)))
      terminal.out(paintLine(line, paint));
  }
  return EXIT.done;
}

/** Marks what is over now, rather than when the next proxy looks. */
export async function expireApprovals({ state, home, json }: ApprovalsOptions, terminal: Terminal): Promise<number> {
  const print = json ? openArray(terminal) : undefined;
  await state.withRecords(async ({ approvals }) => {
    const expired = await expireInOwnRecords(home, approvals, terminal);
    if (print) for await (const whole of wholeOf(expired, approvals)) print.add(renderApproval(whole, whole.args));
    else openTable(terminal, true).add(expired);
    if (!print && expired.length === 0) terminal.out('nothing was over');
  });
  print?.end();
  return EXIT.done;
}

/** The one record that was found. Throws where there is none, or more than one. */
export function expectFound(found: FoundRecords, id: string): Approval {
  if (found.kind === 'one') return found.approval;
  if (found.kind === 'none') throw unknownId(id);
  const { approvals } = found;
  const listed = approvals.slice(0, MOST_LISTED).map((one) => `  ${one.id}  ${shown(one.tool, 40)}  ${stateOf(one, Date.now())}`);
  const more = approvals.length > MOST_LISTED ? [`  and ${approvals.length - MOST_LISTED} more`] : [];
  throw new CommandError(
    `${quote(id)} is the beginning of ${approvals.length} ids`,
    EXIT.failed,
    ['write more of it:', ...listed, ...more].join('\n'),
  );
}

/** No record has this id. */
export function unknownId(id: string): CommandError {
  return new CommandError(`there is no approval ${quote(id)}`, EXIT.failed, 'see "intercept approvals list --all"');
}

function quote(id: string): string {
  return JSON.stringify(shown(id, 60));
}

/** Writes a JSON array as its elements come, one to the line. */
function openArray(terminal: Terminal): { add(element: string): void; end(): void } {
  let last = '[';
  let isFirst = true;
  return {
    add(element) {
      if (!isFirst) terminal.out(`${last},`);
      last = isFirst ? `[${element}` : element;
      isFirst = false;
    },
    end: () => terminal.out(`${last}]`),
  };
}

/** Prints a table page by page: the first one says how wide the columns are. */
function openTable(terminal: Terminal, isAll: boolean): { add(page: readonly Approval[]): void } {
  const paint = createPaint(terminal.colour);
  let table: Table | undefined;
  return {
    add(page) {
      if (page.length === 0) return;
      const isFirst = table === undefined;
      table ??= layTable(page, { now: Date.now(), columns: terminal.size()?.columns, isAll });
      if (isFirst) terminal.out(paint('dim', table.head));
      for (const row of table.rowsOf(page)) terminal.out(row);
    },
  };
}
