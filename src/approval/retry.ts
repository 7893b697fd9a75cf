/** When a webhook is tried again: soon, then rarer, for a day. Times in ms. */

const FIRST = 5_000;
const FACTOR = 3;
const LONGEST = 2 * 3_600_000;
const DAY = 86_400_000;
/** The part of a delay that chance decides, so that many records do not come at once. */
const JITTER = 0.4;

export interface Try {
  /** This one included. */
  readonly tries: number;
  /** When the event happened. */
  readonly at: number;
  readonly now: number;
  /** What the server asked for. */
  readonly wish: number | undefined;
  /** 0 to 1. */
  readonly chance: number;
}

/** Epoch ms of the next try; undefined: given up. */
export function nextTry({ tries, at, now, wish, chance }: Try): number | undefined {
  const regular = Math.min(FIRST * FACTOR ** (tries - 1), LONGEST) * (1 - JITTER / 2 + JITTER * chance);
  const next = now + Math.max(regular, wish ?? 0);
  return next - at > DAY ? undefined : Math.round(next);
}
