/** Runs work over whatever has piled up, one lot at a time and in order: frames that arrive together are judged together. */
export interface Pump<T> {
  push(items: readonly T[]): void;
  /** Resolves when all that was pushed is done. */
  idle(): Promise<void>;
}

/** `work` never overlaps itself. What it throws goes to `onFault` with the items it was given; the pump goes on. */
export function createPump<T>(work: (items: readonly T[]) => Promise<void>, onFault: (error: unknown, items: readonly T[]) => void): Pump<T> {
  let queue: T[] = [];
  let running: Promise<void> | undefined;
  const run = async () => {
    while (queue.length > 0) {
      const items = queue;
      queue = [];
      await work(items).catch((error: unknown) => onFault(error, items));
    }
    running = undefined;
  };
  return {
    push(items) {
      for (const item of items) queue.push(item);
      running ??= run();
    },
    async idle() {
      while (running) await running;
    },
  };
}
