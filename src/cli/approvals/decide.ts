/** `intercept approvals approve` and `deny` (policy.md §12). */
import type { Approval, Approvals, ApprovalVerdict, Decided } from '../../core/approval.ts';
import { renderApproval } from '../../core/approval-json.ts';
import type { AuditSink, PlainEventType } from '../../core/audit.ts';
import { CommandError, EXIT } from '../../core/fault.ts';
import { openOwnRecords } from '../../run/own-records.ts';
import { createPaint, shown } from '../paint.ts';
import { relative } from '../spans.ts';
import type { Terminal } from '../terminal.ts';
import { checkApprover, type DeskOptions, findRecord, unknownId } from './desk.ts';
import { stateOf } from './record-lines.ts';

export interface DecideOptions extends DeskOptions {
  /** An id, or the beginning of one. */
  readonly id: string;
  readonly verdict: ApprovalVerdict;
  /** Who decides, as the record keeps it. */
  readonly by: string;
  readonly reason: string;
}

/** Decides one record. */
export async function decideApproval(options: DecideOptions, terminal: Terminal): Promise<number> {
  const decided = await options.state.withRecords(async ({ approvals }) => {
    await checkApprover(approvals, terminal.env);
    const { id } = await findRecord(approvals, options.id);
    return decideRecorded({ ...options, id }, approvals, terminal);
  });
  if (!decided) throw unknownId(options.id);
  report(decided, options, terminal);
  return EXIT.done;
}

/**
 * Decides, and records it in the audit. The audit is opened first: an approval that could not be recorded is not given.
 * Throws where the record cannot be decided any more.
 */
export async function decideRecorded(
  { id, verdict, by, reason, home }: Omit<DecideOptions, 'json' | 'state'>,
  approvals: Approvals,
  terminal: Pick<Terminal, 'env' | 'err'>,
): Promise<Approval> {
  const records = openRecords(home, verdict, terminal);
  try {
    const decided = expectDecided(await approvals.decide({ id, verdict, by, reason }), id);
    recordDecision(decided, verdict === 'approve' ? 'approval_approved' : 'approval_denied', records, terminal);
    return decided;
  } finally {
    records?.close();
  }
}

/** Records what became of an approval; a fault is told, since the change is made already. */
export function recordDecision(
  { id, tool, agent, rule, decidedBy, reason, evidence }: Approval,
  type: Extract<PlainEventType, `approval_${string}`>,
  records: AuditSink | undefined,
  terminal: Pick<Terminal, 'env' | 'err'>,
): void {
  try {
    const policy = { name: evidence.policy, revision: evidence.revision };
    records?.write([{ type, policy, fields: { approval: id, tool, agent, rule, by: decidedBy, reason: reason || undefined } }]);
  } catch (error) {
    terminal.err(`intercept: ${id} is decided, but not recorded: ${messageOf(error)}`);
  }
}

/** To deny needs no record; to approve does. */
function openRecords(home: string, verdict: ApprovalVerdict, terminal: Pick<Terminal, 'env' | 'err'>): AuditSink | undefined {
  try {
    return openOwnRecords(home, terminal);
  } catch (error) {
    if (verdict === 'approve') throw error;
    terminal.err(`intercept: denied without a record: ${messageOf(error)}`);
    return undefined;
  }
}

function expectDecided(decided: Decided, id: string): Approval {
  if (decided.kind === 'unknown') throw unknownId(id);
  if (decided.kind === 'decided') return decided.approval;
  throw new CommandError(`${id} cannot be decided any more: ${stateOf(decided.approval, Date.now())}`, EXIT.failed);
}

function report(record: Approval, { json, verdict }: DecideOptions, terminal: Terminal): void {
  if (json) {
    terminal.out(renderApproval(record, record.args));
    return;
  }
  const paint = createPaint(terminal.colour);
  const word = verdict === 'approve' ? paint('green', 'approved') : paint('red', 'denied');
  terminal.out(`${word} ${record.id}: ${shown(record.tool, 60)} ${shown(record.args)}`);
  const until = relative(record.expiresAt, Date.now());
  terminal.out(
    verdict === 'approve'
      ? `  the call goes through once, when the agent repeats it; the approval expires ${until}`
      : `  the agent is told when it repeats the call; the denial stands until it expires, ${until}`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
