/** Lines on their way out, in order, by bytes. */
export interface Backlog {
  add(line: string, bytes: number): void;
  bytes(): number;
  /** The next bytes to send: whole lines, or what is left of one; empty when there are none. */
  next(): Uint8Array;
  /** The first `count` of them went out. */
  advance(count: number): void;
  /** Forgets all of them; answers how many lines that were. */
  clear(): number;
}

const LINE_FEED = 10;

/** Opens an empty backlog that gives out whole lines up to `piece` bytes, or a single longer one. */
export function openBacklog(piece: number): Backlog {
  let waiting = '';
  let waitingBytes = 0;
  let current = Buffer.alloc(0);
  let sent = 0;

  function turn(): void {
    current = Buffer.from(waiting);
    sent = 0;
    waiting = '';
    waitingBytes = 0;
  }

  return {
    add(line, bytes) {
      waiting += `${line}\n`;
      waitingBytes += bytes;
    },
    bytes: () => current.length - sent + waitingBytes,
    next() {
      if (sent === current.length && waiting !== '') turn();
      return current.subarray(sent, pieceEnd(current, sent, piece));
    },
    advance(count) {
      sent += count;
    },
    clear() {
      const lines = countLines(current.subarray(sent)) + countLines(Buffer.from(waiting));
      waiting = '';
      turn();
      return lines;
    },
  };
}

function pieceEnd(bytes: Buffer, start: number, piece: number): number {
  if (bytes.length - start <= piece) return bytes.length;
  const last = bytes.lastIndexOf(LINE_FEED, start + piece - 1);
  return (last >= start ? last : bytes.indexOf(LINE_FEED, start)) + 1;
}

function countLines(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => count + (byte === LINE_FEED ? 1 : 0), 0);
}
