/**
 * Values that may still be on their way. A call that waits for nothing awaits nothing: it crosses the proxy within
 * the turn it arrived in, which is what makes the difference to a bare relay small.
 */
export type Later<T> = T | Promise<T>;

/** Goes on with the value, now if it is here. */
export function then<T, U>(value: Later<T>, next: (value: T) => Later<U>): Later<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** The work's value, or what `otherwise` makes of what it threw or rejected with. */
export function attempt<T>(work: () => Later<T>, otherwise: (error: unknown) => Later<T>): Later<T> {
  try {
    const value = work();
    return value instanceof Promise ? value.catch(otherwise) : value;
  } catch (error) {
    return otherwise(error);
  }
}

/** All values, in their order; now if none is on its way. */
export function all<T>(values: readonly Later<T>[]): Later<readonly T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[]);
}
