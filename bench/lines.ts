/** Splits chunks at LF; the lines keep theirs. The rest of a chunk waits for the next one. */
export function createLines(): (chunk: Uint8Array) => Uint8Array[] {
  let rest: Uint8Array[] = [];
  return (chunk) => {
    const lines: Uint8Array[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = chunk.subarray(from, at + 1);
      lines.push(rest.length > 0 ? Buffer.concat([...rest, line]) : line);
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    return lines;
  };
}
