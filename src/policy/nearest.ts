/** "Did you mean": the nearest of some names. */

/** The name nearest to `text`, if it is near: at most a third of its letters differ. */
export function nearest(text: string, names: Iterable<string>): string | undefined {
  if (text.length > 64) return undefined;
  const wanted = text.toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - text.length) >= least) continue;
    const found = distance(wanted, name.toLowerCase());
    if (found < least) [best, least] = [name, found];
  }
  return best;
}

/** The help line for a name that does not exist. */
export function didYouMean(text: string, names: Iterable<string>): string | undefined {
  const name = nearest(text, names);
  return name === undefined ? undefined : `did you mean "${name}"?`;
}

/** Damerau-Levenshtein (optimal string alignment): insertions, deletions, substitutions and swaps of neighbours. */
export function distance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) row.push(cell(a, b, i, j, row, previous, older));
    [older, previous] = [previous, row];
  }
  return previous[b.length] ?? 0;
}

function cell(
  a: string,
  b: string,
  i: number,
  j: number,
  row: readonly number[],
  previous: readonly number[],
  older: readonly number[],
): number {
  const same = a[i - 1] === b[j - 1];
  const least = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
  const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
  return swapped ? Math.min(least, (older[j - 2] ?? 0) + 1) : least;
}
