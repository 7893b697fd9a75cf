/** The body of an answer between the connection, which pushes, and whoever reads. Bounded by pausing the connection. */

export interface InboxOwner {
  pause(): void;
  resume(): void;
  /** Nobody will read the rest. */
  drop(): void;
}

export interface Inbox extends AsyncIterableIterator<Uint8Array> {
  /** Whether anybody has begun to read. */
  readonly isRead: boolean;
  push(piece: Uint8Array): void;
  /** Nothing more will come; with a fault, which is told after all that came. */
  end(fault: Error | undefined): void;
  /** Forgets what waits, and what is still to come. */
  forget(): void;
}

/** Bytes that wait to be read before the connection is paused. */
const MOST = 64 * 1024;
const DONE = { done: true, value: undefined } as const;

interface State {
  readonly owner: InboxOwner;
  waiting: Uint8Array[];
  size: number;
  isPaused: boolean;
  isRead: boolean;
  isForgotten: boolean;
  /** Set when nothing more will come. */
  end: { readonly fault: Error | undefined } | undefined;
  reader: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
}

export function createInbox(owner: InboxOwner): Inbox {
  const state: State = {
    owner,
    waiting: [],
    size: 0,
    isPaused: false,
    isRead: false,
    isForgotten: false,
    end: undefined,
    reader: undefined,
  };
  const inbox: Inbox = {
    get isRead() {
      return state.isRead;
    },
    push: (piece) => push(state, piece),
    end(fault) {
      state.end ??= { fault };
      resume(state);
      settle(state);
    },
    forget() {
      state.isForgotten = true;
      take(state);
    },
    next: () => next(state),
    return() {
      if (!state.end) owner.drop();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]: () => inbox,
  };
  return inbox;
}

function push(state: State, piece: Uint8Array): void {
  if (state.isForgotten) return;
  state.waiting.push(piece);
  state.size += piece.length;
  settle(state);
  if (state.size < MOST || state.isPaused) return;
  state.isPaused = true;
  state.owner.pause();
}

/** Gives the one that waits what there is. */
function settle(state: State): void {
  const { reader, end } = state;
  if (!reader || (state.size === 0 && !end)) return;
  state.reader = undefined;
  if (state.size > 0) reader.resolve({ done: false, value: take(state) });
  else if (end?.fault) reader.reject(end.fault);
  else reader.resolve(DONE);
}

function next(state: State): Promise<IteratorResult<Uint8Array>> {
  state.isRead = true;
  if (state.size > 0) return Promise.resolve({ done: false, value: take(state) });
  if (state.end) return state.end.fault ? Promise.reject(state.end.fault) : Promise.resolve(DONE);
  // Who asks twice without waiting is answered one after the other.
  if (state.reader) return state.reader.promise.then(() => next(state));
  state.reader = Promise.withResolvers();
  return state.reader.promise;
}

/** All that waits, as one piece: many small ones cost more than copying them. */
function take(state: State): Uint8Array {
  const [first, ...others] = state.waiting;
  state.waiting = [];
  state.size = 0;
  resume(state);
  return others.length > 0 ? Buffer.concat([first as Uint8Array, ...others]) : (first ?? EMPTY);
}

function resume(state: State): void {
  if (!state.isPaused) return;
  state.isPaused = false;
  state.owner.resume();
}

const EMPTY = new Uint8Array(0);
