/** Finds, lists, follows, decides and expires records (policy.md §12). Each record may be as long as a message. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Approval, ApprovalDecision, ApprovalEvent, ApprovalFilter, Approvals, DecisionResult } from '../core/approval.ts';
import type { PlainEvent, PlainEventType } from '../core/audit.ts';
import type { Every } from '../core/ticker.ts';

/** Records that are read at once. */
const PAGE = 200;
/** Events that are read at once. */
const EVENTS = 100;
/** ms between looks for new events. */
const LOOK = 500;

/** The records that the beginning of an id names; `several` come without their arguments. */
export type FoundRecords =
  | { readonly kind: 'one'; readonly approval: Approval }
  | { readonly kind: 'several'; readonly approvals: readonly Approval[] }
  | { readonly kind: 'none' };

/** Finds the one record that an id, or the beginning of one, names. */
export async function findApproval(approvals: Pick<Approvals, 'find'>, id: string): Promise<FoundRecords> {
  const found = await approvals.find(id, 0);
  const named = found.find((one) => one.id === id) ?? (found.length === 1 ? found[0] : undefined);
  if (!named) return found.length === 0 ? { kind: 'none' } : { kind: 'several', approvals: found };
  const [approval] = await approvals.find(named.id);
  return approval ? { kind: 'one', approval } : { kind: 'none' };
}

/** Lists records page by page. */
export async function* pagesOf(approvals: Pick<Approvals, 'list'>, filter: ApprovalFilter): AsyncGenerator<readonly Approval[]> {
  for (let after: string | undefined, isOver = false; !isOver; ) {
    const page = await approvals.list({ ...filter, limit: PAGE, after });
    yield page;
    after = page.at(-1)?.id;
    isOver = page.length < PAGE;
  }
}

/** Reads records again, one by one, with all of their arguments. One that is not kept any more is left out. */
export async function* wholeOf(records: readonly Approval[], approvals: Pick<Approvals, 'find'>): AsyncGenerator<Approval> {
  for (const { id } of records) {
    const whole = (await approvals.find(id)).find((one) => one.id === id);
    if (whole) yield whole;
  }
}

export interface Following {
  take(event: ApprovalEvent): void;
  /** Says why the store cannot be read, once; it is asked again, from the same event on. */
  complain(error: unknown): void;
  /** Tells whether anybody still reads. */
  isRead(): boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Hands on what waits already, as it was requested, and then all that happens, until nobody reads any more. */
export async function followApprovals(approvals: Approvals, { take, complain, isRead, signal }: Following): Promise<void> {
  let last = await approvals.newest();
  let isFailing = false;
  await readWaiting(approvals, last, take);
  while (!signal.aborted && isRead()) {
    try {
      await readEvents(approvals, last, (event) => {
        take(event);
        last = event.sequence;
      });
      isFailing = false;
    } catch (error) {
      if (!isFailing) complain(error);
      isFailing = true;
    }
    await sleep(LOOK, undefined, { signal }).catch(() => undefined);
  }
}

/** Hands on the requests of what is still pending, up to the event with this number: one at a time, for each may be large. */
async function readWaiting(approvals: Approvals, newest: number, take: (event: ApprovalEvent) => void): Promise<void> {
  const pending = new Set((await approvals.list({ state: 'pending', argsLimit: 0 })).map(({ id }) => id));
  await readEvents(approvals, 0, (event) => {
    if (event.sequence <= newest && event.type === 'approval.requested' && pending.has(event.approval.id)) take(event);
  });
}

/** Hands on all events after this number. */
async function readEvents(approvals: Approvals, after: number, take: (event: ApprovalEvent) => void): Promise<void> {
  let last = after;
  for (let page = await approvals.events(last, EVENTS); page.length > 0; page = await approvals.events(last, EVENTS)) {
    page.forEach(take);
    last = page.at(-1)?.sequence ?? last;
  }
}

/** Decides, and hands on the audit record of it, whoever asks: the command line, the API or the page. */
export async function decideRecorded(
  decision: ApprovalDecision,
  approvals: Pick<Approvals, 'decide'>,
  record: (event: PlainEvent) => void,
  via?: 'api' | 'page',
): Promise<DecisionResult> {
  const decided = await approvals.decide(decision);
  if (decided.kind === 'decided')
    record(auditRecordOf(decided.approval, decision.verdict === 'approve' ? 'approval_approved' : 'approval_denied', via));
  return decided;
}

/** The audit record of what became of an approval. */
export function auditRecordOf(
  { id, tool, agent, rule, decidedBy, reason, evidence }: Approval,
  type: Extract<PlainEventType, `approval_${string}`>,
  via?: 'api' | 'page',
): PlainEvent {
  const policy = { name: evidence.policy, revision: evidence.revision };
  return { type, policy, fields: { approval: id, tool, agent, rule, by: decidedBy, reason: reason || undefined, via } };
}

/** ms. */
const EVERY = 1_000;

export interface SweepOptions {
  readonly approvals: Pick<Approvals, 'expire'>;
  /** True where there may be anything to mark. */
  readonly wanted: () => boolean;
  readonly onExpired: (approval: Approval) => void;
  readonly warn: (text: string) => void;
  readonly every: Every;
}

/** Starts to look once a second; answers with how to stop. */
export function openSweep({ approvals, wanted, onExpired, warn, every }: SweepOptions): () => void {
  let busy = false;
  let failing = false;
  const look = async () => {
    if (busy || !wanted()) return;
    busy = true;
    try {
      for (const approval of await approvals.expire()) onExpired(approval);
      failing = false;
    } catch (error) {
      // Once; every second would fill the log.
      if (!failing) warn(`approvals: those that are over were not marked: ${error instanceof Error ? error.message : String(error)}`);
      failing = true;
    } finally {
      busy = false;
    }
  };
  return every(EVERY, () => void look());
}
