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
