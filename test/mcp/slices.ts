/** Work in slices, done in one go. */
export function finish<T>(work: Generator<undefined, T, undefined>): T {
  for (;;) {
    const next = work.next();
    if (next.done) return next.value;
  }
}

/** The longest slice, and all of them, in milliseconds of processor time. */
export function costOf(work: Generator<undefined, unknown, undefined>): { readonly longest: number; readonly all: number } {
  let [longest, all] = [0, 0];
  for (;;) {
    const before = process.cpuUsage();
    const next = work.next();
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    longest = Math.max(longest, ms);
    all += ms;
    if (next.done) return { longest, all };
  }
}
