/** The records that people look at and decide, over the tables of every namespace (policy.md §9, §12). */
import { type Approval, type ApprovalEvent, type Approvals, type Delivery, EXPIRED_ARGS, MOST_EVENT_ARGS } from '../../core/approval.ts';
import type { Claims } from '../../core/claim.ts';
import type { Records } from '../../core/store.ts';
import { asOf, DELIVERY_LEASE, decideRecord, deliveryId, EXPIRE_BATCH, expireRecords, sequenceOf } from '../approvals.ts';
import { resolveClaim } from '../claim.ts';
import { approvalOf, approvalRows } from './approvals.ts';
import { claimOf, claimRows } from './claims.ts';
import type { Durability } from './connection.ts';
import type { Statements } from './statements.ts';

/** The port reaches the file by these. `change` refuses a clock that is too far behind. */
export interface Access {
  readonly clock: () => number;
  readonly look: <T>(work: (statements: Statements) => T) => Promise<T>;
  readonly write: <T>(durability: Durability, work: (statements: Statements) => T) => Promise<T>;
  readonly change: <T>(work: (statements: Statements, now: number) => T) => Promise<T>;
}

/** SQLite's own word for "all". */
const ALL = -1;
/** Longer than any text that SQLite keeps. */
const WHOLE = 2 ** 31 - 1;

export function sqliteRecords(access: Access): Records {
  return { approvals: { ...records(access), ...outbox(access) }, claims: claims(access) };
}

function records({ clock, look, change }: Access): Pick<Approvals, 'list' | 'find' | 'decide' | 'expire' | 'secret' | 'protect'> {
  const find = ({ approvals }: Statements, start: string, now: number, most = WHOLE): Approval[] =>
    approvals.find.all({ start, now, most }).map(approvalOf);
  return {
    list: ({ state, namespace = null, limit = ALL, after = null, argsLimit = WHOLE }) =>
      look(({ approvals: { listPending, list } }) => {
        const named = { namespace, limit, after, most: argsLimit, now: clock() };
        return (state === 'pending' ? listPending.all(named) : list.all({ ...named, state: state ?? null })).map(approvalOf);
      }),
    find: (id, argsLimit) =>
      look((statements) => (id === '' ? [] : find(statements, id.startsWith('apr_') ? id : `apr_${id}`, clock(), argsLimit))),
    decide: (decision) =>
      change((statements, now) => {
        const kind = decideRecord(decision, approvalRows(statements), now);
        const approval = find(statements, decision.id, now).find(({ id }) => id === decision.id);
        return kind === 'unknown' || !approval ? { kind: 'unknown' } : { kind, approval };
      }),
    async expire() {
      // Asked once a second and seldom answered: without anything over there is no lock to take.
      if ((await look(({ approvals }) => approvals.over.all(clock(), 1))).length === 0) return [];
      const expired: Approval[] = [];
      for (let more = true; more; ) {
        const batch = await change((statements, now) =>
          expireRecords(approvalRows(statements), now).flatMap((id) => find(statements, id, now, EXPIRED_ARGS).slice(0, 1)),
        );
        expired.push(...batch);
        more = batch.length === EXPIRE_BATCH;
      }
      return expired;
    },
    secret: () => look(({ approvals }) => (approvals.secret.get() as { secret: string | null }).secret ?? undefined),
    protect: (hash) => change(({ approvals }) => void approvals.protect.run(hash)),
  };
}

function outbox({ clock, look, write }: Access): Pick<Approvals, 'newest' | 'events' | 'due' | 'delivered' | 'failed'> {
  const settle = (id: string, dueAt: number | undefined) =>
    write('normal', ({ approvals }) => void approvals.settleEvent.run(dueAt ?? null, sequenceOf(id)));
  return {
    newest: () => look(({ approvals }) => (approvals.newest.get() as { sequence: number | null }).sequence ?? 0),
    events: (after, limit, argsLimit = WHOLE) =>
      look(({ approvals }) => {
        const found: ApprovalEvent[] = [];
        let last = after;
        // One by one: what stands in them may be large.
        for (let budget = MOST_EVENT_ARGS; budget > 0 && found.length < limit; ) {
          const [row] = approvals.events.all({ after: last, limit: 1, now: clock(), most: argsLimit });
          if (!row) break;
          const event = eventOf(row);
          found.push(event);
          last = event.sequence;
          budget -= event.approval.args.length;
        }
        return found;
      }),
    async due(owner, namespace, limit) {
      const asked = { namespace, limit, now: clock() };
      // Asked often and seldom answered: without anything due there is no lock to take.
      if ((await look(({ approvals }) => approvals.dueEvents.all({ ...asked, limit: 1 }))).length === 0) return [];
      return write('normal', ({ approvals }) =>
        approvals.dueEvents.all(asked).map((row) => {
          const event = eventOf(row);
          approvals.leaseEvent.run(asked.now + DELIVERY_LEASE, owner, event.sequence);
          return { id: deliveryId(event), tries: (row.tries as number) + 1, event } satisfies Delivery;
        }),
      );
    },
    delivered: (id) => settle(id, undefined),
    failed: settle,
  };
}

function eventOf(row: Record<string, unknown>): ApprovalEvent {
  const { sequence, type, at } = row as unknown as ApprovalEvent;
  return { sequence, type, at, approval: asOf(type, approvalOf(row)) };
}

function claims({ clock, look, change }: Access): Claims {
  return {
    list: ({ state = null, namespace = null, limit = ALL, argsLimit = WHOLE }) =>
      look(({ claims: sql }) => {
        const now = clock();
        return sql.listClaims.all({ state, namespace, limit, now, most: argsLimit }).flatMap((row) => claimOf(row, now));
      }),
    resolve: (start, verdict, by) =>
      change((statements, now) => {
        const raws = start === '' ? [] : statements.claims.findClaims.all({ start, now });
        const found = raws.flatMap((raw) => claimOf(raw, now).map((claim) => ({ claim, ns: raw.ns as number })));
        const one = found.find(({ claim }) => claim.key === start) ?? found[0];
        if (!one) return { kind: 'unknown' };
        const { claim, ns } = one;
        if (found.length > 1 && claim.key !== start) return { kind: 'ambiguous', claims: found.map((each) => each.claim) };
        const rows = claimRows(statements, ns);
        const row = rows.claim(claim.key);
        if (!row || !resolveClaim(row, verdict, by, rows, now)) return { kind: 'not_unknown', claim };
        const after = rows.claim(claim.key);
        const [shown = claim] = after ? claimOf({ ...after, namespace: claim.namespace }, now) : [];
        return { kind: 'resolved', claim: shown };
      }),
  };
}
