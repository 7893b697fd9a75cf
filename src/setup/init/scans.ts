/** Scans servers beside each other (setup.md §3.2): four at a time, in the order in which they were asked for. */

/** Servers that start at the same time. */
const AT_ONCE = 4;

/** Does the work for each, a few at a time. Rejects where one rejects. */
export async function fewAtATime<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
