/** Requests of one session that wait for their answer (wire.md §2.7, §2.13). INVARIANT I9: each leaves here exactly once. */
import type { RequestId, ServerFrame } from '../mcp/frame.ts';
import type { Exchange, ReplyTo } from './exchange.ts';
import type { ForwardedCall } from './settle.ts';

/** What the answer to a request is for. */
export type Purpose =
  | { readonly kind: 'call'; readonly call: ForwardedCall }
  /** A call that is being judged: nothing was sent yet. */
  | { readonly kind: 'judging' }
  | { readonly kind: 'tools/list'; readonly cursor: string | undefined }
  | { readonly kind: 'task'; readonly taskId: string | undefined }
  | { readonly kind: 'listen'; readonly toolChanges: boolean }
  | { readonly kind: 'own'; readonly resolve: (frame: ServerFrame | undefined) => void }
  /** Answered already, by a time-out: what comes late is dropped. */
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
}

export interface Inflight {
  readonly size: number;
  /** All keys are of ids as the server gets them. */
  has(key: string): boolean;
  /** The request that waits under this id. */
  get(key: string): PendingRequest | undefined;
  add(request: PendingRequest): void;
  /** The request that an answer with this id belongs to, in flight or cancelled, and forgets it. */
  take(key: string): PendingRequest | undefined;
  /** The client no longer waits. Where something was sent, the id stays taken, so that a late answer is never taken for another's. */
  cancel(key: string): PendingRequest | undefined;
  /** Every request that still waits, and forgets them. */
  drain(): readonly PendingRequest[];
  /** Requests that wait since before `since`, streams left out; their late answers will be dropped. */
  expire(since: number): readonly PendingRequest[];
  listeners(): readonly PendingRequest[];
  /** Those of one exchange that wait. */
  of(exchange: Exchange): readonly PendingRequest[];
  /** Forgets the request of this exchange that has this id of the client's, unless it was sent: what was to become of it failed. */
  forget(clientKey: string, exchange: Exchange | undefined): void;
}

/** How many may wait at once; how many cancelled ones are remembered before the session is refused more. */
export const MAX_IN_FLIGHT = 256;
const MAX_CANCELLED = 65_536;
/** What a time-out applies to; a subscription stays open as long as it likes. */
const TIMED: ReadonlySet<Purpose['kind']> = new Set(['call', 'tools/list', 'task', 'other']);

export function createInflight(): Inflight {
  const waiting = new Map<string, PendingRequest>();
  const cancelled = new Map<string, PendingRequest>();
  return {
    get size() {
      // SECURITY: forgetting a cancelled id would let its late answer settle a newer call of the same id.
      return cancelled.size >= MAX_CANCELLED ? MAX_IN_FLIGHT : waiting.size;
    },
    has: (key) => waiting.has(key) || cancelled.has(key),
    get: (key) => waiting.get(key),
    add: (request) => void waiting.set(request.sentAs.key, request),
    take: (key) => removed(waiting, key) ?? removed(cancelled, key),
    cancel(key) {
      const request = removed(waiting, key);
      if (request && request.purpose.kind !== 'judging') cancelled.set(key, withoutCall(request));
      return request;
    },
    drain() {
      const all = [...waiting.values()];
      waiting.clear();
      return all;
    },
    expire(since) {
      const over = [...waiting.values()].filter((request) => request.since < since && TIMED.has(request.purpose.kind));
      for (const request of over) {
        waiting.delete(request.sentAs.key);
        cancelled.set(request.sentAs.key, { ...request, purpose: { kind: 'answered' } });
      }
      return over;
    },
    listeners: () => [...waiting.values()].filter(({ purpose }) => purpose.kind === 'listen' && purpose.toolChanges),
    of: (exchange) => [...waiting.values()].filter(({ to }) => to?.exchange === exchange),
    forget(clientKey, exchange) {
      for (const { id, to, purpose, sentAs } of waiting.values())
        if (id.key === clientKey && to?.exchange === exchange && purpose.kind !== 'call') waiting.delete(sentAs.key);
    },
  };
}

/** INVARIANT I4: a cancelled call is settled by its cancellation, so a late answer settles nothing, and is no part of its batch. */
function withoutCall(request: PendingRequest): PendingRequest {
  return { ...request, to: withoutBatch(request.to), purpose: request.purpose.kind === 'call' ? { kind: 'other' } : request.purpose };
}

function withoutBatch(to: ReplyTo | undefined): ReplyTo | undefined {
  return to?.batch ? { exchange: to.exchange, batch: undefined } : to;
}

function removed(requests: Map<string, PendingRequest>, key: string): PendingRequest | undefined {
  const found = requests.get(key);
  requests.delete(key);
  return found;
}
