/** Requests of one session that wait for their answer (wire.md §2.7, §2.13). INVARIANT I9: each leaves here exactly once. */
import type { RequestId, ServerFrame } from '../mcp/frame.ts';
import type { Exchange, ReplyTo } from './exchange.ts';
import type { ForwardedCall } from './settle.ts';

/** What the answer to a request is for. */
export type Purpose =
  /** `challenged`: what its answer asks to be paid was judged already. */
  | { readonly kind: 'call'; readonly call: ForwardedCall; readonly challenged?: true }
  /** A call that is being judged: nothing was sent yet. */
  | { readonly kind: 'judging' }
  | { readonly kind: 'tools/list'; readonly cursor: string | undefined }
  /** Of what it lists, the agent gets its own. */
  | { readonly kind: 'tasks/list' }
  | { readonly kind: 'task'; readonly taskId: string | undefined }
  | { readonly kind: 'listen'; readonly toolChanges: boolean }
  | { readonly kind: 'own'; readonly resolve: (frame: ServerFrame | undefined) => void }
  /** Answered already by the proxy, after a time-out or a failure: what comes late is dropped. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'other' };

export interface PendingRequest {
  /** The client's. */
  readonly id: RequestId;
  /** What the server gets: the same, but where that was taken and may be replaced (wire.md §2.7). */
  readonly sentAs: RequestId;
  readonly method: string;
  readonly modern: boolean;
  readonly to: ReplyTo | undefined;
  readonly purpose: Purpose;
  /** Monotonic ms. */
  readonly since: number;
  /** Under what its progress is told, where that says to which exchange it goes. */
  readonly token?: ProgressToken | undefined;
}

/** A progress token as the client chose it, and as the server got it. */
export interface ProgressToken {
  readonly given: RequestId;
  readonly sentAs: RequestId;
}

/** All keys are of ids as the server gets them, unless it says otherwise. */
export interface Inflight {
  /** Whether no more requests are taken in. */
  readonly isFull: boolean;
  /** Whether an answer under this id could be taken for another request's. */
  has(key: string): boolean;
  /** The request that waits under this id. */
  get(key: string): PendingRequest | undefined;
  add(request: PendingRequest): void;
  /** The request that an answer with this id belongs to, in flight or past, and forgets it. */
  take(key: string): PendingRequest | undefined;
  /** The client no longer waits. Where something was sent, the id stays taken, so that a late answer is never taken for another's. */
  cancel(key: string): PendingRequest | undefined;
  /** The proxy answers it itself, and the server may still do: its late answer will be dropped. */
  giveUp(key: string): void;
  /** Every request that still waits, and forgets them. */
  drain(): readonly PendingRequest[];
  /** Requests that wait since before `since`, streams left out; their late answers will be dropped. */
  expire(since: number): readonly PendingRequest[];
  /** Those that wait, the oldest first. */
  all(): Iterable<PendingRequest>;
  /** Those of one exchange that wait. */
  of(exchange: Exchange): readonly PendingRequest[];
}

/** How many requests of one agent wait, in all its sessions. */
export interface Room {
  taken: number;
}

export interface InflightOptions {
  readonly room: Room;
  /** An id that is taken can be replaced: old ones need not be remembered for ever. */
  readonly mayReplace: boolean;
  /** An answer may come again, on a stream that is resumed; it settles nothing then. */
  readonly resumable: boolean;
}

/** How many may wait at once; how many past ones are remembered, and how many where ids can be replaced. */
export const MAX_IN_FLIGHT = 256;
const MAX_PAST = 65_536;
const MAX_REPLACEABLE = 2_048;
/** What a time-out applies to; a subscription stays open as long as it likes. */
const TIMED: ReadonlySet<Purpose['kind']> = new Set(['call', 'tools/list', 'tasks/list', 'task', 'other']);

export function createInflight({ room, mayReplace, resumable }: InflightOptions): Inflight {
  const waiting = new Map<string, PendingRequest>();
  /** Cancelled, timed out, or answered where the answer may come again. */
  const past = new Map<string, PendingRequest>();
  const counts = createCounts();
  let forgotten = false;
  const leave = (key: string): PendingRequest | undefined => {
    const found = waiting.get(key);
    if (found && waiting.delete(key)) room.taken -= 1;
    return found;
  };
  const remember = (request: PendingRequest): void => {
    const [oldest] = past.keys();
    if (mayReplace && past.size >= MAX_REPLACEABLE && oldest !== undefined) {
      // SECURITY: a late answer to what is forgotten could settle a newer request of the same id: no id is sent that may have been used.
      forgotten = true;
      past.delete(oldest);
    }
    past.set(request.sentAs.key, request);
  };
  const giveUp = (key: string): void => {
    const request = leave(key);
    if (request) remember({ ...request, to: undefined, purpose: { kind: 'answered' } });
  };
  return {
    get isFull() {
      return room.taken >= MAX_IN_FLIGHT || (!mayReplace && past.size >= MAX_PAST);
    },
    has: (key) => waiting.has(key) || past.has(key) || (forgotten && !counts.isNew(key)),
    get: (key) => waiting.get(key),
    add(request) {
      if (!waiting.has(request.sentAs.key)) room.taken += 1;
      if (mayReplace) counts.note(request.sentAs.key);
      waiting.set(request.sentAs.key, request);
    },
    take(key) {
      const request = leave(key);
      if (request && resumable && mayComeAgain(request)) remember({ ...withoutCall(request), to: undefined });
      if (request) return request;
      const late = past.get(key);
      if (late && resumable) past.set(key, { ...late, to: undefined });
      else past.delete(key);
      return late;
    },
    cancel(key) {
      const request = leave(key);
      if (request && request.purpose.kind !== 'judging') remember(withoutCall(request));
      return request;
    },
    giveUp,
    drain() {
      const all = [...waiting.values()];
      for (const { sentAs } of all) leave(sentAs.key);
      return all;
    },
    expire(since) {
      const over = [...waiting.values()].filter((request) => request.since < since && TIMED.has(request.purpose.kind));
      for (const request of over) giveUp(request.sentAs.key);
      return over;
    },
    all: () => waiting.values(),
    of: (exchange) => [...waiting.values()].filter(({ to }) => to?.exchange === exchange),
  };
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

/** The highest number that was an id: clients count, and beyond it every number is new. */
function createCounts() {
  let highest = Number.NEGATIVE_INFINITY;
  const numberOf = (key: string) => (key.startsWith('n:') ? Number(key.slice(2)) : Number.NaN);
  return {
    note(key: string) {
      const number = numberOf(key);
      if (number > highest) highest = number;
    },
    isNew: (key: string) => numberOf(key) > highest,
  };
}
