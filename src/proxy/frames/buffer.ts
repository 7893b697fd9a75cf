/** How much of one agent's the proxy keeps in memory (wire.md §2.13): frames that wait to be judged, and calls set aside. */

/** Bytes, at most. */
export const MAX_BUFFERED = 64 * 1024 * 1024;
/** What a frame costs besides its bytes: short ones are kept at many times their length. */
const FRAME_COST = 1024;

export interface Buffer {
  /** Whether there is room for a frame of this length. Alone it may have any that `--max-message` allows. */
  fits(length: number): boolean;
  add(length: number): void;
  remove(length: number): void;
}

/** Nothing kept yet. */
export function createBuffer(): Buffer {
  let bytes = 0;
  return {
    fits: (length) => bytes === 0 || bytes + length + FRAME_COST <= MAX_BUFFERED,
    add(length) {
      bytes += length + FRAME_COST;
    },
    remove(length) {
      bytes -= length + FRAME_COST;
    },
  };
}
