/** `intercept approvals approve` and `deny` (policy.md §12). */
import { findApproval } from '../../approval/records.ts';
import { checkApprover } from '../../approval/secret.ts';
import type { Approval, ApprovalVerdict, DecisionResult } from '../../core/approval.ts';
import { renderApproval } from '../../core/approval-json.ts';
import { CommandError, EXIT } from '../../core/fault.ts';
import { decideInOwnRecords } from '../../run/own-records.ts';
import { createPaint, shown } from '../paint.ts';
import { relative } from '../spans.ts';
import type { Terminal } from '../terminal.ts';
import { type ApprovalsOptions, expectFound, unknownId } from './list.ts';
import { stateOf } from './record-lines.ts';

export interface VerdictOptions extends ApprovalsOptions {
  /** An id, or the beginning of one. */
  readonly id: string;
  readonly verdict: ApprovalVerdict;
  /** The name of the decider, as the record keeps it. */
  readonly by: string;
  readonly reason: string;
}

/** Decides one record. */
export async function decideApproval(options: VerdictOptions, terminal: Terminal): Promise<number> {
  const { verdict, by, reason, home } = options;
  const decided = await options.state.withRecords(async ({ approvals }) => {
    await checkApprover(approvals, terminal.env);
    const { id } = expectFound(await findApproval(approvals, options.id), options.id);
    return decideInOwnRecords({ id, verdict, by, reason }, home, approvals, terminal);
  });
  report(expectDecided(decided ?? { kind: 'unknown' }, options.id), options, terminal);
  return EXIT.done;
}

/** The record as it was decided. Throws where it could not be decided any more. */
export function expectDecided(decided: DecisionResult, id: string): Approval {
  if (decided.kind === 'unknown') throw unknownId(id);
  if (decided.kind === 'decided') return decided.approval;
  const { approval } = decided;
  throw new CommandError(
    `${approval.id} cannot be decided any more: ${stateOf(approval, Date.now())}`,
    EXIT.failed,
    'see "intercept approvals list" for those that wait',
  );
}

function report(record: Approval, { json, verdict }: VerdictOptions, terminal: Terminal): void {
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
