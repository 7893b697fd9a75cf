/** `intercept approvals list`, `show` and `expire`. */
import type { Approval } from '../../core/approval.ts';
import { renderApproval } from '../../core/approval-json.ts';
import { EXIT } from '../options.ts';
import { openOwnRecords } from '../own-records.ts';
import { createPaint, type Paint, shown } from '../paint.ts';
import { withDesk } from '../state.ts';
import type { Terminal } from '../terminal.ts';
import { recordDecision } from './decide.ts';
import { type DeskOptions, findRecord, unknownId } from './desk.ts';
import { paintLine, renderRecordLines, stateOf } from './record-lines.ts';

/** Where a terminal does not say how wide it is. */
const WIDTH = 80;
const ARGS = 60;

export interface ListOptions extends DeskOptions {
  /** Decided and expired ones too. */
  readonly all: boolean;
}

/** Lists what waits, or everything that is kept. */
export async function listApprovals({ stateDir, json, all }: ListOptions, terminal: Terminal): Promise<number> {
  const records = await withDesk(stateDir, ({ approvals }) => approvals.list(all ? {} : { state: 'pending' }));
  if (json) terminal.out(renderRecords(records ?? []));
  else if (!records) terminal.out(`no state at ${stateDir}: no proxy has run with it yet`);
  else printRecords(records, all ? 'no approvals are kept' : 'nothing waits for approval', terminal);
  return EXIT.done;
}

/** Shows a record whole. */
export async function showApproval(id: string, { stateDir, json }: DeskOptions, terminal: Terminal): Promise<number> {
  const record = await withDesk(stateDir, ({ approvals }) => findRecord(approvals, id));
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
export async function expireApprovals({ stateDir, home, json }: DeskOptions, terminal: Terminal): Promise<number> {
  const expired = (await withDesk(stateDir, ({ approvals }) => approvals.expire())) ?? [];
  if (expired.length > 0) {
    const records = openOwnRecords(home);
    for (const record of expired) recordDecision(record, 'approval_expired', records, terminal);
    records.close();
  }
  if (json) terminal.out(renderRecords(expired));
  else printRecords(expired, 'nothing was over', terminal);
  return EXIT.done;
}

function renderRecords(records: readonly Approval[]): string {
  return `[${records.map((record) => renderApproval(record, record.args)).join(',\n')}]`;
}

function printRecords(records: readonly Approval[], none: string, terminal: Terminal): void {
  if (records.length === 0) terminal.out(none);
  for (const line of renderTable(records, Date.now(), createPaint(terminal.colour))) terminal.out(line);
}

/** One line for each record: enough to tell them apart, and not to decide on. */
export function renderTable(records: readonly Approval[], now: number, paint: Paint): readonly string[] {
  const rows = records.map((record) => [
    record.id,
    shown(record.tool, 40),
    shown(record.rule, 40),
    record.agent === undefined ? 'agent unknown' : `agent ${shown(record.agent, 30)}`,
    stateOf(record, now),
  ]);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row, index) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    const record = records[index];
    return `${paint('bold', cells[0] ?? '')}  ${cells.slice(1).join('  ')}  ${paint('dim', shown(record?.args ?? '', ARGS))}`;
  });
}
