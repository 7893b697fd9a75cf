/** What a webhook is sent: `{type, timestamp, data}`, the record in `data`. */
import type { Approval, ApprovalEvent } from '../core/approval.ts';
import { renderApproval } from '../core/approval-json.ts';

export interface BodyOptions {
  /** The admin server's address, where it runs: its pages and paths need a token, so the link holds the id only. */
  readonly origin: string | undefined;
  /** The arguments' JSON text with secrets masked; undefined where none of it may leave. */
  readonly renderArgs: (args: string) => string | undefined;
}

/** One JSON text. */
export function webhookBody({ type, at, approval }: ApprovalEvent, { origin, renderArgs }: BodyOptions): string {
  const record = renderApproval(approval, renderArgs(approval.args));
  return `{"type":"${type}","timestamp":"${new Date(at).toISOString()}","data":${record}${linksOf(approval, origin)}}`;
}

function linksOf({ id, state }: Approval, origin: string | undefined): string {
  if (origin === undefined || state !== 'pending') return '';
  const links = {
    page: `${origin}/approvals/${id}`,
    approve: `${origin}/v1/approvals/${id}/approve`,
    deny: `${origin}/v1/approvals/${id}/deny`,
  };
  return `,"urls":${JSON.stringify(links)}`;
}
