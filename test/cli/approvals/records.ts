/** Approval records for tests that need no store. */
import type { Approval } from '../../../src/core/approval.ts';

export const NOW = Date.UTC(2026, 2, 1, 10);

/** A pending record; `fields` over it. */
export function record(fields: Partial<Approval> = {}): Approval {
  return {
    id: 'apr_aaaaaaaaaaaaaaaa',
    namespace: 'n',
    tool: 'create_refund',
    agent: 'refunds-bot',
    rule: 'large refund',
    message: 'Refunds over $100 need a human',
    args: '{"amount":52000,"charge":"ch_1"}',
    evidence: { upstream: 'npx -y @stripe/mcp', policy: 'stripe', revision: '2b49da065dc6', client: 'example', rules: [], overrides: [] },
    state: 'pending',
    timeout: 900_000,
    createdAt: NOW - 60_000,
    expiresAt: NOW + 840_000,
    decidedAt: undefined,
    decidedBy: undefined,
    reason: undefined,
    attempts: 0,
    retries: 2,
    consumedAt: undefined,
    ...fields,
  };
}
