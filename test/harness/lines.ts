/** Bytes to lines, as MCP frames stdio: split on LF alone, everything else kept as it came. */

/** Collects chunks and calls `onLine` with each line, without its LF. `rest` is what came after the last LF. */
export interface LineReader {
  push(chunk: Uint8Array): void;
  rest(): string;
}

/** Opens a line reader. Pieces of a long line are joined once, when its LF arrives. */
export function readLines(onLine: (line: string) => void): LineReader {
  let pieces: Uint8Array[] = [];
  const push = (chunk: Uint8Array) => {
    let start = 0;
    for (let end = chunk.indexOf(10, start); end >= 0; end = chunk.indexOf(10, start)) {
      pieces.push(chunk.subarray(start, end));
      onLine(Buffer.concat(pieces).toString('utf8'));
      pieces = [];
      start = end + 1;
    }
    if (start < chunk.length) pieces.push(Buffer.from(chunk.subarray(start)));
  };
  return { push, rest: () => Buffer.concat(pieces).toString('utf8') };
}
