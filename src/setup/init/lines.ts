/** Where two texts differ, by lines. */

/** Line pairs that are compared; where more would be, the whole middle counts as one difference. */
const MOST_PAIRS = 4_000_000;

/** Part of a text was replaced: from `start` to `end` before, from `from` to `to` now. */
export interface Hunk {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/** Cuts a text into lines, each with its end. */
export function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The differences in lines, in order. */
export function diffLines(before: readonly string[], now: readonly string[]): readonly Hunk[] {
  const head = commonHead(before, now);
  const tail = commonTail(before, now, head);
  const [a, b] = [before.slice(head, before.length - tail), now.slice(head, now.length - tail)];
  if (a.length === 0 && b.length === 0) return [];
  const whole = { start: head, end: head + a.length, from: head, to: head + b.length };
  if (a.length * b.length > MOST_PAIRS || a.length * b.length === 0) return [whole];
  return hunksOf(a, b, lengthsOf(a, b)).map(({ start, end, from, to }) => ({
    start: start + head,
    end: end + head,
    from: from + head,
    to: to + head,
  }));
}

function commonHead(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function commonTail(a: readonly string[], b: readonly string[], head: number): number {
  const most = Math.min(a.length, b.length) - head;
  let length = 0;
  while (length < most && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
  return length;
}

/** The length of the longest common rest of `a` from each line and `b` from each line. */
function lengthsOf(a: readonly string[], b: readonly string[]): readonly Uint32Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const [row, below] = [rows[i] as Uint32Array, rows[i + 1] as Uint32Array];
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  return rows;
}

function hunksOf(a: readonly string[], b: readonly string[], lengths: readonly Uint32Array[]): readonly Hunk[] {
  const hunks: Hunk[] = [];
  let [start, from] = [0, 0];
  let [i, j] = [0, 0];
  const close = () => {
    if (start < i || from < j) hunks.push({ start, end: i, from, to: j });
  };
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      close();
      i++;
      j++;
      [start, from] = [i, j];
    } else if ((lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0)) i++;
    else j++;
  }
  [i, j] = [a.length, b.length];
  close();
  return hunks;
}
