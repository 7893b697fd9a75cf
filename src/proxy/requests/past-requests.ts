/** Requests that nobody waits for, and whose answers may still come: late, or again (wire.md §2.7). */
import { keptId, keptText } from '../../mcp/messages/id.ts';
import type { ReplyTo } from '../exchange.ts';
import type { PendingRequest, Purpose } from './pending.ts';

/** All keys are of ids as the server got them. */
export interface PastRequests {
  /** Whether no more can be remembered: then none must be taken in. */
  readonly isFull: boolean;
  /** Whether an answer under this id may still be one to a past request. */
  has(key: string): boolean;
  /** An id that is being used. */
  note(key: string): void;
  /** The client no longer waits; a late answer passes, and settles nothing. */
  cancel(request: PendingRequest): void;
  /** The proxy answered it; a late answer is dropped. */
  giveUp(request: PendingRequest): void;
  /** The server answered it, and may do so again. */
  answered(request: PendingRequest): void;
  /** The request that a late answer belongs to. */
  take(key: string): PendingRequest | undefined;
}

/** How many are remembered, and how many where ids can be replaced. */
const MAX_PAST = 65_536;
const MAX_REPLACEABLE = 2_048;

/** Nothing past yet. */
export function createPast({ mayReplace, resumable }: { readonly mayReplace: boolean; readonly resumable: boolean }): PastRequests {
  const past = new Map<string, PendingRequest>();
  const counts = createCounts();
  let forgotten = false;
  const remember = (request: PendingRequest): void => {
    const [oldest] = past.keys();
    if (mayReplace && past.size >= MAX_REPLACEABLE && oldest !== undefined) {
      // SECURITY: a late answer to what is forgotten could settle a newer request of the same id: no id is sent that may have been used.
      forgotten = true;
      past.delete(oldest);
    }
    past.set(request.sentAs.key, keptRequest(request));
  };
  return {
    get isFull() {
      return !mayReplace && past.size >= MAX_PAST;
    },
    has: (key) => past.has(key) || (forgotten && !counts.isNew(key)),
    note(key) {
      if (mayReplace) counts.note(key);
    },
    cancel(request) {
      if (request.purpose.kind !== 'judging') remember(withoutCall(request));
    },
    giveUp: (request) => remember({ ...request, to: undefined, purpose: { kind: 'answered' } }),
    answered(request) {
      if (resumable && mayComeAgain(request)) remember({ ...withoutCall(request), to: undefined });
    },
    take(key) {
      const late = past.get(key);
      if (late && resumable) past.set(key, { ...late, to: undefined });
      else past.delete(key);
      return late;
    },
  };
}

/** INVARIANT I11: thousands may be remembered, so each is kept without the frame that it came in. */
function keptRequest(request: PendingRequest): PendingRequest {
  const id = keptId(request.id);
  const sentAs = request.sentAs === request.id ? id : keptId(request.sentAs);
  return { ...request, id, sentAs, method: keptText(request.method), purpose: keptPurpose(request.purpose), token: undefined };
}

function keptPurpose(purpose: Purpose): Purpose {
  if (purpose.kind === 'tools/list') return { ...purpose, cursor: purpose.cursor && keptText(purpose.cursor) };
  if (purpose.kind === 'task') return { ...purpose, taskId: purpose.taskId && keptText(purpose.taskId) };
  return purpose;
}

/** Only what was sent for the client can be answered to it again. */
function mayComeAgain({ purpose }: PendingRequest): boolean {
  return purpose.kind !== 'judging' && purpose.kind !== 'own';
}

/** INVARIANT I4: a past call is settled, so a late answer settles nothing, and is no part of its batch. */
function withoutCall(request: PendingRequest): PendingRequest {
  return { ...request, to: withoutBatch(request.to), purpose: request.purpose.kind === 'call' ? { kind: 'other' } : request.purpose };
}

function withoutBatch(to: ReplyTo | undefined): ReplyTo | undefined {
  return to?.batch ? { exchange: to.exchange, batch: undefined } : to;
}

/** The highest number that was an id, and the highest in a text that was one: clients count, and beyond it every number is new. */
function createCounts() {
  const highest = { n: Number.NEGATIVE_INFINITY, s: Number.NEGATIVE_INFINITY };
  const kindOf = (key: string) => (key.startsWith('n:') ? 'n' : 's');
  const numberOf = (key: string) => (COUNT.test(key) ? Number(key.slice(2)) : Number.NaN);
  return {
    note(key: string) {
      const number = numberOf(key);
      if (number > highest[kindOf(key)]) highest[kindOf(key)] = number;
    },
    isNew: (key: string) => numberOf(key) > highest[kindOf(key)],
  };
}

const COUNT = /^(?:n:.+|s:-?\d+)$/;
