/** Records as programs read them: from the command line, the admin API, its event stream and webhooks. */
import type { Approval, ApprovalEvent } from './approval.ts';
import type { ClaimRecord } from './claim.ts';

/**
 * JSON text on one line. `args` and `meta` are JSON texts and stand in it as they are, so that no number is rounded;
 * undefined leaves the arguments out. What is not known is null; times are RFC 3339.
 */
export function renderApproval(approval: Approval, args: string | undefined, meta: string | undefined = approval.evidence.meta): string {
  const { evidence } = approval;
  const fields = {
    id: approval.id,
    state: approval.state,
    tool: approval.tool,
    agent: approval.agent ?? null,
    credential: evidence.credential ?? null,
    rule: approval.rule,
    message: approval.message,
    rules: evidence.rules.map(({ rule, message, why }) => ({ rule, message, why: why ?? null })),
    overrides: evidence.overrides,
    policy: evidence.policy ?? null,
    revision: evidence.revision,
    upstream: evidence.upstream,
    client: evidence.client ?? null,
    created_at: timeOf(approval.createdAt),
    expires_at: timeOf(approval.expiresAt),
    decided_at: timeOf(approval.decidedAt),
    decided_by: approval.decidedBy ?? null,
    reason: approval.reason ?? null,
    consumed_at: timeOf(approval.consumedAt),
    attempts: approval.attempts,
    retries: approval.retries,
  };
  const more = `,"meta":${meta === undefined ? 'null' : oneLine(meta)}${args === undefined ? '' : `,"args":${oneLine(args)}`}`;
  return `${JSON.stringify(fields).slice(0, -1)}${more}}`;
}

/** An event on one line, with the record in full. */
export function renderApprovalEvent({ sequence, type, at, approval }: ApprovalEvent): string {
  return `{"sequence":${sequence},"type":"${type}","at":"${timeOf(at)}","approval":${renderApproval(approval, approval.args)}}`;
}

/** A claim on one line, with the arguments as they arrived. */
export function renderClaim({ key, state, tool, agent, args, claimedAt, until, resultBytes, resolvedBy }: ClaimRecord): string {
  const fields = {
    key,
    state,
    tool,
    agent: agent ?? null,
    claimed_at: timeOf(claimedAt),
    until: timeOf(until),
    result_bytes: resultBytes ?? null,
    resolved_by: resolvedBy ?? null,
  };
  return `${JSON.stringify(fields).slice(0, -1)},"args":${args === '' ? null : oneLine(args)}}`;
}

/** Raw line breaks stand between the tokens of JSON only, never inside its strings. */
function oneLine(json: string): string {
  return json.replace(/[\r\n]+/g, ' ');
}

/** RFC 3339, or null. */
function timeOf(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString();
}
