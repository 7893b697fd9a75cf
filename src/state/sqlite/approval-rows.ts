/** Approval records in the tables: what the shared rules read and write. */
import type { Approval } from '../../core/approval.ts';
import type { ApprovalHead, ApprovalRows } from '../rows.ts';
import type { Statements } from './statements.ts';

export function approvalRows({ ns, approvals: sql }: Statements): ApprovalRows {
  return {
    standing: (fingerprint, now) => sql.standing.all(ns, fingerprint, now).map(headOf).reverse().sort(newestFirst),
    countPending: (agentKey, now) => (sql.countPending.get(ns, agentKey, now) as { pending: number }).pending,
    countNamed: (agent, now) => (sql.countNamed.get(ns, agent ?? null, now) as { pending: number }).pending,
    denials: (agentKey, tool, since, limit) =>
      (sql.denials.all(ns, tool, agentKey, since) as { decided_at: number }[])
        .map((row) => row.decided_at)
        .sort((a, b) => b - a)
        .slice(0, limit),
    insertHold(hold, id, now, keepUntil) {
      const { fingerprint, call, tool, agent, agentKey, timeout, retries, notify, rule, message, evidence, args } = hold;
      const identity = [id, ns, fingerprint, call, tool, agent ?? null, agentKey] as const;
      const texts = [rule, message, JSON.stringify(evidence), args] as const;
      sql.insertHold.run(...identity, timeout, now, now + timeout, keepUntil, retries, notify ? 1 : 0, ...texts);
    },
    head(id) {
      const row = sql.head.get(id);
      return row && headOf(row);
    },
    saveHead({ id, state, expiresAt, decidedAt, decidedBy, reason, attempts, consumedAt, token, keepUntil }) {
      const decided = [decidedAt ?? null, decidedBy ?? null, reason ?? null] as const;
      sql.saveHead.run(state, expiresAt, ...decided, attempts, consumedAt ?? null, token ?? null, keepUntil, id);
    },
    siblings: (id, now) => sql.siblings.all(id, id, now).map(headOf),
    over: (now, limit) => sql.over.all(now, limit).map(headOf),
    tell: (type, id, at) => void sql.tell.run(type, at, at, id),
  };
}

function newestFirst(a: ApprovalHead, b: ApprovalHead): number {
  return b.createdAt - a.createdAt;
}

function headOf(row: Record<string, unknown>): ApprovalHead {
  const { id, state, timeout, attempts, retries } = row as Pick<ApprovalHead, 'id' | 'state' | 'timeout' | 'attempts' | 'retries'>;
  return { id, state, timeout, attempts, retries, ...timesOf(row), token: given<string>(row.token), keepUntil: row.keep_until as number };
}

/** A record as people see it. */
export function approvalOf(row: Record<string, unknown>): Approval {
  const { id, namespace, tool, rule, message, args, state, timeout, attempts, retries } = row as unknown as Approval;
  const evidence = JSON.parse(row.evidence as string) as Approval['evidence'];
  const texts = { id, namespace, tool, agent: given<string>(row.agent), rule, message, args, evidence };
  return { ...texts, state, timeout, attempts, retries, ...timesOf(row) };
}

function timesOf(
  row: Record<string, unknown>,
): Pick<ApprovalHead, 'createdAt' | 'expiresAt' | 'decidedAt' | 'decidedBy' | 'reason' | 'consumedAt'> {
  return {
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number,
    decidedAt: given<number>(row.decided_at),
    decidedBy: given<string>(row.decided_by),
    reason: given<string>(row.reason),
    consumedAt: given<number>(row.consumed_at),
  };
}

/** SQL's null is our undefined. */
export function given<T>(value: unknown): T | undefined {
  return value === null ? undefined : (value as T);
}
