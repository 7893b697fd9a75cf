/** A cache that keeps the newest entries, up to a number of them and a sum of their weights (house.md I11). */
export interface Newest<Value> {
  /** The value, which so becomes the newest. */
  get(key: string): Value | undefined;
  /** Keeps a value; one that is heavier than everything may be together is not kept. */
  set(key: string, value: Value, weight?: number): void;
}

/** Opens an empty one. */
export function openNewest<Value>(most: number, heaviest = Number.POSITIVE_INFINITY): Newest<Value> {
  const known = new Map<string, { readonly value: Value; readonly weight: number }>();
  let total = 0;
  const drop = (key: string) => {
    total -= known.get(key)?.weight ?? 0;
    known.delete(key);
  };
  return {
    get(key) {
      const found = known.get(key);
      if (!found) return undefined;
      known.delete(key);
      known.set(key, found);
      return found.value;
    },
    set(key, value, weight = 1) {
      drop(key);
      if (weight > heaviest) return;
      known.set(key, { value, weight });
      total += weight;
      while (known.size > most || total > heaviest) drop(known.keys().next().value ?? '');
    },
  };
}
