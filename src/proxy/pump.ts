import { attempt, type Later } from '../engine/later.ts';
import { openShare } from './turns.ts';

/** Runs work over whatever has piled up, one lot at a time and in order: frames that arrive together are judged together. */
export interface Pump<T> {
  push(items: readonly T[]): void;
  /** How much was pushed and is not done: the items, and by their weight the large ones more than once. */
  readonly backlog: number;
  /** Resolves when all that was pushed is done. */
  idle(): Promise<void>;
}

export interface PumpOptions<T> {
  /** Never overlaps itself. */
  readonly work: (items: readonly T[]) => Later<void>;
  /** Gets what the work throws, with the items it was given; the pump goes on. */
  readonly onFault: (error: unknown, items: readonly T[]) => void;
  /** At least 1. */
  readonly weigh: (item: T) => number;
}

/** The weight of what is worked on together: more of it would keep the loop for long. */
const LOT = 128;

/** Opens a pump. Between two lots it gives others a turn, where it had its share of this one (wire.md §2.13). */
export function createPump<T>({ work, onFault, weigh }: PumpOptions<T>): Pump<T> {
  const share = openShare();
  let queue: T[] = [];
  let backlog = 0;
  let busy = false;
  let running: Promise<void> | undefined;
  const endLot = (weight: number): Promise<void> | undefined => {
    backlog -= weight;
    return queue.length > 0 ? share.next() : undefined;
  };
  const drain = (): void => {
    while (queue.length > 0) {
      const { count, weight } = nextLot(queue, weigh);
      const items = queue.length === count ? queue : queue.splice(0, count);
      if (items === queue) queue = [];
      const done = attempt(
        () => work(items),
        (error) => onFault(error, items),
      );
      const turn = done instanceof Promise ? done.then(() => endLot(weight)?.then(drain) ?? drain()) : endLot(weight)?.then(drain);
      if (turn) {
        running = turn;
        return;
      }
    }
    busy = false;
    running = undefined;
  };
  return {
    push(items) {
      for (const item of items) {
        queue.push(item);
        backlog += weigh(item);
      }
      if (busy || queue.length === 0) return;
      busy = true;
      share.begin();
      drain();
    },
    get backlog() {
      return backlog;
    },
    async idle() {
      while (running) await running;
    },
  };
}

/** The first items that are not too much together; a heavy one goes alone. */
function nextLot<T>(queue: readonly T[], weigh: (item: T) => number): { readonly count: number; readonly weight: number } {
  const [only] = queue;
  if (queue.length === 1 && only !== undefined) return { count: 1, weight: weigh(only) };
  let weight = 0;
  for (const [index, item] of queue.entries()) {
    const more = weigh(item);
    if (index > 0 && weight + more > LOT) return { count: index, weight };
    weight += more;
  }
  return { count: queue.length, weight };
}
