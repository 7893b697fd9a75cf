/** Frames as the bytes of one write: each ended by LF (wire.md §2.6). */

const LF = 10;

/**
 * The frames, one line each, as one piece. Frames that lie beside each other in the chunk they came in are sent as
 * that piece of the chunk, without a copy.
 */
export function joinFrames(frames: readonly (Uint8Array | string)[]): Uint8Array | string {
  if (frames.every((frame) => typeof frame === 'string')) return `${frames.join('\n')}\n`;
  return adjacent(frames) ?? Buffer.concat(frames.flatMap((frame) => [typeof frame === 'string' ? Buffer.from(frame) : frame, END]));
}

const END = Uint8Array.of(LF);

function adjacent(frames: readonly (Uint8Array | string)[]): Uint8Array | undefined {
  const [first] = frames;
  if (!(first instanceof Uint8Array)) return undefined;
  let end = first.byteOffset;
  for (const frame of frames) {
    if (typeof frame === 'string' || frame.buffer !== first.buffer || frame.byteOffset !== end) return undefined;
    end = frame.byteOffset + frame.byteLength + 1;
  }
  if (end > first.buffer.byteLength) return undefined;
  const whole = new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset);
  // Between lines only an LF can stand, but for a CR that was dropped: then the next line does not begin here.
  return whole[whole.length - 1] === LF ? whole : undefined;
}
