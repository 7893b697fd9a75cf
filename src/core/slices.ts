/**
 * Work on something large, in slices (wire.md §2.13): it stops at each `yield`, and whoever runs it lets other work go
 * first. What is small is done at once, by functions that know nothing of slices.
 */
export type Slices<T> = Generator<void, T, void>;

/** Does the work without a pause. */
export function finish<T>(work: Slices<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** One reader may take this much of a turn of the event loop. */
export interface Share {
  /** A turn began. */
  begin(): void;
  /** Resolves in another turn, where this one has lasted; undefined where the work may go on. */
  next(): Promise<void> | undefined;
}

/** ms of work before others have a turn. */
const MOST = 8;

/** A share of the turn that begins now. `now` counts ms; `turn` resolves in another turn, when others had theirs. */
export function createShare(now: () => number, turn: () => Promise<void>): Share {
  let since = now();
  const begin = () => {
    since = now();
  };
  return { begin, next: () => (now() - since < MOST ? undefined : turn().then(begin)) };
}
