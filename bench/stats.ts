/** The value below which the share `p` (0 to 1) of `values` lies. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}

/** The middle one of `values`. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
