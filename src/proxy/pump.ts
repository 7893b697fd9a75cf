import { attempt, type Later } from './later.ts';

/** Runs work over whatever has piled up, one lot at a time and in order: frames that arrive together are judged together. */
export interface Pump<T> {
  push(items: readonly T[]): void;
  /** How many items were pushed and are not done. */
  readonly backlog: number;
  /** Resolves when all that was pushed is done. */
  idle(): Promise<void>;
}

/** `work` never overlaps itself. What it throws goes to `onFault` with the items it was given; the pump goes on. */
export function createPump<T>(work: (items: readonly T[]) => Later<void>, onFault: (error: unknown, items: readonly T[]) => void): Pump<T> {
  let queue: T[] = [];
  let taken = 0;
  let busy = false;
  let running: Promise<void> | undefined;
  const drain = (): void => {
    while (queue.length > 0) {
      const items = queue;
      queue = [];
      taken = items.length;
      const done = attempt(
        () => work(items),
        (error) => onFault(error, items),
      );
      if (done instanceof Promise) {
        running = done.then(drain);
        return;
      }
    }
    taken = 0;
    busy = false;
    running = undefined;
  };
  return {
    push(items) {
      for (const item of items) queue.push(item);
      if (busy || queue.length === 0) return;
      busy = true;
      drain();
    },
    get backlog() {
      return queue.length + taken;
    },
    async idle() {
      while (running) await running;
    },
  };
}
