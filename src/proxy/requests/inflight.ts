/** Requests of one session that wait for their answer (wire.md §2.7, §2.13), and those whose answer may still come. INVARIANT I9: each leaves here exactly once. */
import type { ForwardedCall } from '../../engine/arrival.ts';
import type { ServerFrame } from '../../mcp/messages/frame.ts';
import { keptId, keptText, otherSpelling, type RequestId } from '../../mcp/messages/id.ts';
import type { Exchange, ReplyTo } from '../exchange.ts';

/** The use that is made of the answer to a request. */
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

/** A request of the agent, or of the proxy's own, that waits for its answer. */
export interface PendingRequest {
  /** The client's. */
  readonly id: RequestId;
  /** The id that the server gets: the same, but where that was taken and may be replaced (wire.md §2.7). */
  readonly sentAs: RequestId;
  readonly method: string;
  readonly modern: boolean;
  readonly to: ReplyTo | undefined;
  /** Changes once: from `judging` to `call`, when the call is sent. */
  purpose: Purpose;
  /** Monotonic ms; of a call, when it was sent. */
  since: number;
  /** The token of its progress, where that decides to which exchange it goes. */
  readonly token?: ProgressToken | undefined;
}

/** A progress token as the client chose it, and as the server got it. */
export interface ProgressToken {
  readonly given: RequestId;
  readonly sentAs: RequestId;
}

/** All keys are of ids as the server gets them, unless it says otherwise. */
export interface Inflight {
  /** True while no more requests are taken in. */
  readonly isFull: boolean;
  /** True where an answer under this id could be taken for another request's. */
  has(key: string): boolean;
  /** The request that waits under this id. */
  get(key: string): PendingRequest | undefined;
  add(request: PendingRequest): void;
  /** The request that the server answers under this id, in flight or past, and forgets it. SECURITY: a call that is being judged was not sent, so nothing answers it. */
  answer(id: RequestId): PendingRequest | undefined;
  /** The request with this id, in flight or past, and forgets it. */
  take(key: string): PendingRequest | undefined;
  /** The client no longer waits. Where something was sent, the id stays taken, so that a late answer is never taken for another's. */
  cancel(key: string): void;
  /** The proxy answers it itself, and the server may still do: its late answer will be dropped. */
  giveUp(key: string): void;
  /** Every request that still waits, and forgets them. */
  drain(): readonly PendingRequest[];
  /** Requests that wait since before `since`, streams left out; their late answers will be dropped. */
  expire(since: number): readonly PendingRequest[];
  /** Counts the client's requests that wait for the server's answer; streams left out. */
  open(): number;
  /** Those that wait, the oldest first. */
  all(): Iterable<PendingRequest>;
  /** Those of one exchange that wait. */
  of(exchange: Exchange): readonly PendingRequest[];
  /** Counts those. */
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

/** Counts the waiting requests of one agent in all its sessions; the proxy's own do not count. */
export interface RequestBudget {
  taken: number;
}

export interface InflightOptions {
  readonly budget: RequestBudget;
  /** An id that is taken can be replaced: old ones need not be remembered for ever. */
  readonly mayReplace: boolean;
  /** An answer may come again, on a stream that is resumed; it settles nothing then. */
  readonly resumable: boolean;
}

/** So many may wait at once. */
export const MAX_IN_FLIGHT = 256;
/** A time-out applies to these; a subscription stays open as long as it likes. */
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

export function createInflight(options: InflightOptions): Inflight {
  const { budget, mayReplace, resumable } = options;
  const waiting = new Map<string, PendingRequest>();
  const byExchange = createByExchange();
  const past = createPast(options);
  const timed = () => [...waiting.values()].filter(({ purpose }) => TIMED.has(purpose.kind));
  const leave = (key: string): PendingRequest | undefined => {
    const found = waiting.get(key);
    if (!found) return undefined;
    waiting.delete(key);
    if (found.to?.exchange) byExchange.remove(found);
    if (found.purpose.kind !== 'own') budget.taken -= 1;
    return found;
  };
  // Over stdio ids are never replaced, and mostly nothing is past: then nothing need be looked for.
  const has = (key: string) => waiting.has(key) || ((mayReplace || past.requests.size > 0) && past.has(key));
  const take = (key: string) => {
    const request = leave(key);
    if (request && resumable) past.answered(request);
    return request ?? past.take(key);
  };
  const remember = (key: string, how: (request: PendingRequest) => void) => {
    const request = leave(key);
    if (request) how(request);
  };
  return {
    get isFull() {
      return budget.taken >= MAX_IN_FLIGHT || (!mayReplace && past.requests.size >= MAX_PAST);
    },
    has,
    get: (key) => waiting.get(key),
    add(request) {
      const before = waiting.get(request.sentAs.key);
      if (before) byExchange.remove(before);
      else if (request.purpose.kind !== 'own') budget.taken += 1;
      if (request.to?.exchange) byExchange.add(request);
      if (mayReplace) past.note(request.sentAs.key);
      waiting.set(request.sentAs.key, request);
    },
    answer(id) {
      const key = has(id.key) ? id.key : meantBy(id, waiting);
      return waiting.get(key)?.purpose.kind === 'judging' ? undefined : take(key);
    },
    take,
    cancel: (key) => remember(key, past.cancel),
    giveUp: (key) => remember(key, past.giveUp),
    drain: () => [...waiting.keys()].flatMap((key) => leave(key) ?? []),
    expire(since) {
      const over = timed().filter((request) => request.since < since);
      for (const request of over) remember(request.sentAs.key, past.giveUp);
      return over;
    },
    open: () => timed().length,
    all: () => waiting.values(),
    of: (exchange) => [...byExchange.of(exchange)],
    waitingOn: (exchange) => byExchange.of(exchange).size,
    answering: createAnswering(),
  };
}

/** Where no request has this id, the other type of it is as good: that is how clients read it. */
function meantBy(id: RequestId, waiting: ReadonlyMap<string, PendingRequest>): string {
  const other = otherSpelling(id);
  return other !== undefined && waiting.has(other) ? other : id.key;
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

/** All keys are of ids as the server got them. */
export interface PastRequests {
  readonly requests: ReadonlyMap<string, PendingRequest>;
  /** True where an answer under this id may still be one to a past request. */
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

/** So many are remembered, and fewer where ids can be replaced. */
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
    requests: past,
    has: (key) => past.has(key) || (forgotten && !counts.isNew(key)),
    note: counts.note,
    cancel(request) {
      if (request.purpose.kind !== 'judging') remember(withoutCall(request));
    },
    giveUp: (request) => remember({ ...request, to: undefined, purpose: { kind: 'answered' } }),
    answered(request) {
      if (mayComeAgain(request)) remember({ ...withoutCall(request), to: undefined });
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
