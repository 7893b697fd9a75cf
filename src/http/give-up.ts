/** Giving up one request. What the platform has for it costs several times as much, and every request needs one. */

/** The part of an `AbortSignal` that a request listens to. */
export interface GiveUpSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', f: () => void): void;
  removeEventListener(type: 'abort', f: () => void): void;
}

export interface GiveUp {
  readonly signal: GiveUpSignal;
  abort(): void;
}

/** As an `AbortController`, for few listeners. */
export function createGiveUp(): GiveUp {
  let listeners: (() => void)[] = [];
  let aborted = false;
  return {
    signal: {
      get aborted() {
        return aborted;
      },
      addEventListener: (_, f) => void listeners.push(f),
      removeEventListener(_, f) {
        listeners = listeners.filter((listener) => listener !== f);
      },
    },
    abort() {
      const told = aborted ? [] : listeners;
      aborted = true;
      listeners = [];
      for (const listener of told) listener();
    },
  };
}
