/** Requests of one session that wait for their answer (wire.md §2.7, §2.13). INVARIANT I9: each leaves here exactly once. */
import type { Exchange } from '../exchange.ts';
import { createPast } from './past-requests.ts';
import type { PendingRequest, Purpose } from './pending.ts';

export type { PendingRequest, ProgressToken, Purpose } from './pending.ts';

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
  /** How many wait for an answer of the server that the client asked for; streams left out. */
  open(): number;
  /** Those that wait, the oldest first. */
  all(): Iterable<PendingRequest>;
  /** Those of one exchange that wait. */
  of(exchange: Exchange): readonly PendingRequest[];
  /** How many those are. */
  waitingOn(exchange: Exchange): number;
  /** Those that left, and whose answer is not written yet. */
  readonly answering: Answering;
}

/** INVARIANT I9: settling a call, and reading a long answer, takes turns in which the exchange may not seem to be over. */
export interface Answering {
  begin(request: PendingRequest): void;
  /** Its answer is written now, or it gets none. */
  end(request: PendingRequest): void;
  of(exchange: Exchange): number;
}

/** How many requests of one agent wait, in all its sessions; the proxy's own do not count. */
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

/** How many may wait at once. */
export const MAX_IN_FLIGHT = 256;
/** What a time-out applies to; a subscription stays open as long as it likes. */
const TIMED: ReadonlySet<Purpose['kind']> = new Set(['call', 'tools/list', 'tasks/list', 'task', 'other']);

/** Nothing is being answered. Bounded by what was in flight: each begins when it leaves, and ends when it is settled. */
function createAnswering(): Answering {
  const requests = createByExchange();
  return { begin: requests.add, end: requests.remove, of: (exchange) => requests.of(exchange).size };
}

const NONE: ReadonlySet<PendingRequest> = new Set();

/** Requests by their exchange, so that nobody looks through all of them for those of one. Bounded by what is kept of them elsewhere. */
function createByExchange() {
  const requests = new Map<Exchange, Set<PendingRequest>>();
  return {
    add(request: PendingRequest): void {
      const exchange = request.to?.exchange;
      if (!exchange) return;
      const before = requests.get(exchange);
      if (before) before.add(request);
      else requests.set(exchange, new Set([request]));
    },
    remove(request: PendingRequest): void {
      const exchange = request.to?.exchange;
      const others = exchange && requests.get(exchange);
      if (others?.delete(request) && others.size === 0) requests.delete(exchange as Exchange);
    },
    of: (exchange: Exchange): ReadonlySet<PendingRequest> => requests.get(exchange) ?? NONE,
  };
}

const placesOf = ({ purpose }: PendingRequest) => (purpose.kind === 'own' ? 0 : 1);

export function createInflight(options: InflightOptions): Inflight {
  const { room } = options;
  const waiting = new Map<string, PendingRequest>();
  const byExchange = createByExchange();
  const past = createPast(options);
  const leave = (key: string): PendingRequest | undefined => {
    const found = waiting.get(key);
    if (!found) return undefined;
    waiting.delete(key);
    byExchange.remove(found);
    room.taken -= placesOf(found);
    return found;
  };
  const giveUp = (key: string): void => {
    const request = leave(key);
    if (request) past.giveUp(request);
  };
  return {
    get isFull() {
      return room.taken >= MAX_IN_FLIGHT || past.isFull;
    },
    has: (key) => waiting.has(key) || past.has(key),
    get: (key) => waiting.get(key),
    add(request) {
      const before = waiting.get(request.sentAs.key);
      if (before) byExchange.remove(before);
      else room.taken += placesOf(request);
      byExchange.add(request);
      past.note(request.sentAs.key);
      waiting.set(request.sentAs.key, request);
    },
    take(key) {
      const request = leave(key);
      if (request) past.answered(request);
      return request ?? past.take(key);
    },
    cancel(key) {
      const request = leave(key);
      if (request) past.cancel(request);
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
    open: () => [...waiting.values()].filter(({ purpose }) => TIMED.has(purpose.kind)).length,
    all: () => waiting.values(),
    of: (exchange) => [...byExchange.of(exchange)],
    waitingOn: (exchange) => byExchange.of(exchange).size,
    answering: createAnswering(),
  };
}

/** Requests that are remembered; of more, the oldest are forgotten, and what answers them answers something unknown. */
const MAX_ASKED = 1_024;

/** Requests of the server that went to the agent: what its answers are to (policy.md §11). */
export interface AskedRequests {
  note(key: string, method: string): void;
  /** The method of the request with this id, which is answered now. */
  take(key: string): string | undefined;
}

/** Nothing asked yet. */
export function createAsked(): AskedRequests {
  const methods = new Map<string, string>();
  return {
    note(key, method) {
      methods.delete(key);
      methods.set(key, method);
      for (const oldest of methods.keys())
        if (methods.size > MAX_ASKED) methods.delete(oldest);
        else break;
    },
    take(key) {
      const method = methods.get(key);
      methods.delete(key);
      return method;
    },
  };
}
