/**
 * Keeps what a person has seen of a record, so that only then a verdict counts (cli.md §3).
 *
 * SECURITY: a key decides only the record that has been on the screen for a second, so that a key meant for another one
 * never does, and approves only what has been on the screen whole.
 */
import type { ApprovalVerdict } from '../core/approval.ts';

/** A record has to be seen for so long before a verdict counts, ms. */
const SETTLE = 1_000;

/** A drawn screen: lines of one record, laid out in one width. */
export interface Drawn {
  readonly id: string;
  readonly width: number;
  readonly from: number;
  readonly to: number;
  readonly total: number;
}

/** The parts of a record that were on the screen since it was selected. Epoch ms. */
export interface Seen {
  readonly id: string;
  readonly width: number;
  readonly since: number;
  /** Lines from the first one without a gap. */
  readonly lines: number;
  /** Since when all of them; undefined while there are others. */
  readonly wholeSince: number | undefined;
}

/** Adds what was drawn to what was seen. Another record, or another width, begins anew. */
export function addDrawn(before: Seen | undefined, { id, width, from, to, total }: Drawn, now: number): Seen {
  const known = before?.id === id && before.width === width ? before : undefined;
  const reached = known?.lines ?? 0;
  const lines = from <= reached ? Math.max(reached, to) : reached;
  const wholeSince = lines >= total ? (known?.wholeSince ?? now) : undefined;
  return { id, width, since: known?.since ?? now, lines, wholeSince };
}

/** Says why a verdict on this record does not count yet; undefined where it does. */
export function refuseUnseen(seen: Seen | undefined, id: string, verdict: ApprovalVerdict, now: number): string | undefined {
  if (seen?.id !== id || now - seen.since < SETTLE) return 'shown just now: look at it for a second';
  if (verdict === 'deny') return undefined;
  if (seen.wholeSince === undefined) return 'not all of it was shown: press s and read to its end';
  return now - seen.wholeSince < SETTLE ? 'its end was shown just now: look at it for a second' : undefined;
}
