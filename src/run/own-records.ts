/** Audit records that a command writes itself, in a file of its own (cli.md §2). */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { auditRecordOf, decideRecorded } from '../approval/records.ts';
import { loadHashKey, openKeyedHash } from '../audit/key.ts';
import { openFileSink } from '../audit/sinks/file.ts';
import type { Approval, ApprovalDecision, Approvals, DecisionResult } from '../core/approval.ts';
import type { AuditSink, PlainEvent } from '../core/audit.ts';
import { dropExposed, keyIn } from './own-folders.ts';

/** A command reads and warns by these. */
export interface CommandPorts {
  readonly env: Readonly<Record<string, string | undefined>>;
  err(text: string): void;
}

/** Opens the file, named after this run. Throws `AuditError` where it cannot be had. */
export function openOwnRecords(home: string, { env, err }: CommandPorts): AuditSink {
  dropExposed('key', keyIn(home), env, (text) => err(`[INTERCEPT] WARN ${text}`));
  return openFileSink({
    dir: join(home, 'events'),
    instance: `cli-${randomBytes(4).toString('hex')}`,
    clock: Date.now,
    keyedHash: openKeyedHash(loadHashKey(home)),
    args: 'redacted',
  });
}

/**
 * Decides, and records it in the audit. The audit is opened first: an approval that could not be recorded is not given,
 * while to deny needs no record.
 */
export async function decideInOwnRecords(
  decision: ApprovalDecision,
  home: string,
  approvals: Pick<Approvals, 'decide'>,
  ports: CommandPorts,
): Promise<DecisionResult> {
  const records = openFor(decision, home, ports);
  try {
    return await decideRecorded(decision, approvals, (event) => writeChange(event, decision.id, records, ports));
  } finally {
    records?.close();
  }
}

/** Marks what is over, and records it. */
export async function expireInOwnRecords(
  home: string,
  approvals: Pick<Approvals, 'expire'>,
  ports: CommandPorts,
): Promise<readonly Approval[]> {
  const expired = await approvals.expire();
  if (expired.length === 0) return expired;
  const records = openOwnRecords(home, ports);
  for (const approval of expired) writeChange(auditRecordOf(approval, 'approval_expired'), approval.id, records, ports);
  records.close();
  return expired;
}

function openFor({ verdict }: ApprovalDecision, home: string, ports: CommandPorts): AuditSink | undefined {
  try {
    return openOwnRecords(home, ports);
  } catch (error) {
    if (verdict === 'approve') throw error;
    ports.err(`intercept: denied without a record: ${messageOf(error)}`);
    return undefined;
  }
}

/** A fault is told and no more, since the change is made already. */
function writeChange(event: PlainEvent, id: string, records: AuditSink | undefined, { err }: CommandPorts): void {
  try {
    records?.write([event]);
  } catch (error) {
    err(`intercept: ${id} is decided, but not recorded: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
