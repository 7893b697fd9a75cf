/** A record for programs: as the admin API and the webhooks write it, with the arguments exactly as they arrived. */
import type { Approval, ApprovalEvent } from '../../core/approval.ts';

/** JSON text on one line. Times are ISO 8601 in UTC. */
export function renderRecord(record: Approval): string {
  const { id, state, tool, agent, rule, message, evidence, attempts, retries } = record;
  const fields = {
    id,
    state,
    tool,
    agent: agent ?? null,
    rule,
    message,
    rules: evidence.rules,
    overrides: evidence.overrides,
    policy: evidence.policy ?? null,
    revision: evidence.revision,
    upstream: evidence.upstream,
    client: evidence.client ?? null,
    created_at: iso(record.createdAt),
    expires_at: iso(record.expiresAt),
    decided_at: iso(record.decidedAt),
    decided_by: record.decidedBy ?? null,
    reason: record.reason ?? null,
    consumed_at: iso(record.consumedAt),
    attempts,
    retries,
  };
  // The arguments' text is JSON already; parsed and written anew, large numbers would change.
  return `${JSON.stringify(fields).slice(0, -1)},"args":${oneLine(record.args)}}`;
}

/** An event on one line. */
export function renderEvent({ sequence, type, at, approval }: ApprovalEvent): string {
  return `{"sequence":${sequence},"type":${JSON.stringify(type)},"at":${JSON.stringify(iso(at))},"approval":${renderRecord(approval)}}`;
}

function iso(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString();
}

/** Line breaks stand between the tokens of JSON only, never inside its strings. */
function oneLine(json: string): string {
  return json.replace(/[\r\n]+/g, ' ');
}
