/** Runs work over whatever has piled up, one lot at a time and in order: frames that arrive together are judged together. */
export interface Pump<T> {
  push(items: readonly T[]): void;
  /** How many items were pushed and are not done. */
  readonly backlog: number;
  /** Resolves when all that was pushed is done. */
  idle(): Promise<void>;
}

/** `work` never overlaps itself. What it throws goes to `onFault` with the items it was given; the pump goes on. */
export function createPump<T>(
  work: (items: readonly T[]) => Promise<void>,
  onFault: (error: unknown, items: readonly T[]) => void,
): Pump<T> {
  let queue: T[] = [];
  let taken = 0;
  let running: Promise<void> | undefined;
  const run = async () => {
    while (queue.length > 0) {
      const items = queue;
      queue = [];
      taken = items.length;
      await work(items).catch((error: unknown) => onFault(error, items));
      taken = 0;
    }
    running = undefined;
  };
  return {
    push(items) {
      for (const item of items) queue.push(item);
      if (queue.length > 0) running ??= run();
    },
    get backlog() {
      return queue.length + taken;
    },
    async idle() {
      while (running) await running;
    },
  };
}
