/** `intercept approvals list`, `show` and `expire`. */
import type { Approval, ApprovalFilter, Approvals } from '../../core/approval.ts';
import { renderApproval } from '../../core/approval-json.ts';
import { EXIT } from '../../core/fault.ts';
import { openOwnRecords } from '../../run/own-records.ts';
import { createPaint, type Paint, shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import { recordDecision } from './decide.ts';
import { type DeskOptions, findRecord, unknownId } from './desk.ts';
import { paintLine, renderRecordLines, stateOf } from './record-lines.ts';

/** Where a terminal does not say how wide it is. */
const WIDTH = 80;
const ARGS = 60;
/** Records that are read at once. */
const PAGE = 200;

export interface ListOptions extends DeskOptions {
  /** Decided and expired ones too. */
  readonly all: boolean;
}

/** Lists what waits, or everything that is kept: some at a time, for each may be as long as a message. */
export async function listApprovals({ state, json, all }: ListOptions, terminal: Terminal): Promise<number> {
  const filter: ApprovalFilter = { state: all ? undefined : 'pending', limit: PAGE, argsLimit: json ? 0 : ARGS + 1 };
  const print = json ? openArray(terminal) : undefined;
  const paint = createPaint(terminal.colour);
  const count = await state.withRecords(async ({ approvals }) => {
    let listed = 0;
    for (let after: string | undefined, isOver = false; !isOver; ) {
      const page = await approvals.list({ ...filter, after });
      if (print) await printWhole(page, approvals, print.add);
      else for (const line of renderTable(page, Date.now(), paint)) terminal.out(line);
      after = page.at(-1)?.id;
      listed += page.length;
      isOver = page.length < PAGE;
    }
    return listed;
  });
  if (print) print.end();
  else if (count === undefined) terminal.out(`no state at ${state.name}: no proxy has run with it yet`);
  else if (count === 0) terminal.out(all ? 'no approvals are kept' : 'nothing waits for approval');
  return EXIT.done;
}

/** Shows a record whole. */
export async function showApproval(id: string, { state, json }: DeskOptions, terminal: Terminal): Promise<number> {
  const record = await state.withRecords(({ approvals }) => findRecord(approvals, id));
  if (!record) throw unknownId(id);
  if (json) terminal.out(renderApproval(record, record.args));
  else {
    const paint = createPaint(terminal.colour);
    for (const line of renderRecordLines(record, Date.now(), Math.max(terminal.size()?.columns ?? WIDTH, 40)))
      terminal.out(paintLine(line, paint));
  }
  return EXIT.done;
}

/** Marks what is over now, rather than when the next proxy looks. */
export async function expireApprovals({ state, home, json }: DeskOptions, terminal: Terminal): Promise<number> {
  const expired = (await state.withRecords(({ approvals }) => approvals.expire())) ?? [];
  if (expired.length > 0) {
    const records = openOwnRecords(home, terminal);
    for (const record of expired) recordDecision(record, 'approval_expired', records, terminal);
    records.close();
  }
  if (!json) {
    if (expired.length === 0) terminal.out('nothing was over');
    for (const line of renderTable(expired, Date.now(), createPaint(terminal.colour))) terminal.out(line);
    return EXIT.done;
  }
  const print = openArray(terminal);
  await state.withRecords(({ approvals }) => printWhole(expired, approvals, print.add));
  print.end();
  return EXIT.done;
}

/** Reads them again, one by one, with all of their arguments. One that is not kept any more is left out. */
async function printWhole(records: readonly Approval[], approvals: Approvals, add: (text: string) => void): Promise<void> {
  for (const { id } of records) {
    const whole = (await approvals.find(id)).find((one) => one.id === id);
    if (whole) add(renderApproval(whole, whole.args));
  }
}

/** A JSON array, an element to the line, that is written as it comes. */
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

/** The credential's hash stands beside it: of those without a name there may be several. */
function agentOf({ agent, evidence: { credential } }: Approval): string {
  const name = agent === undefined ? 'agent unknown' : `agent ${shown(agent, 30)}`;
  return credential === undefined ? name : `${name}, credential ${shown(credential, 8)}`;
}

/** One line for each record: enough to tell them apart, and not to decide on. */
export function renderTable(records: readonly Approval[], now: number, paint: Paint): readonly string[] {
  const rows = records.map((record) => [record.id, shown(record.tool, 40), shown(record.rule, 40), agentOf(record), stateOf(record, now)]);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row, index) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    const record = records[index];
    return `${paint('bold', cells[0] ?? '')}  ${cells.slice(1).join('  ')}  ${paint('dim', shown(record?.args ?? '', ARGS))}`;
  });
}
