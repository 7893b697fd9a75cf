/** Events written again: what was judged is what is written, and all but the data as it came (wire.md §2.6, §5). */
import type { WholeEvent } from './sse.ts';
import { fieldOf, findLineEnd, isMarked } from './sse-lines.ts';

const LF = Buffer.from('\n');

/** The event with this data; undefined for none, which keeps an id and a comment and delivers nothing. */
export function renderEvent(event: WholeEvent, data: Uint8Array | string | undefined): Uint8Array {
  if (data === event.data && event.plain) return event.raw;
  const lines: Uint8Array[] = [];
  let at = 0;
  let isWritten = data === undefined;
  for (let line = findLineEnd(event.raw, 0); line; line = findLineEnd(event.raw, line.next, line)) {
    const field = fieldOf(event.raw, at, line.at);
    // SECURITY: what stands behind a mark was judged by nobody, and some readers take the mark off.
    if (isMarked(event.raw, at)) {
      at = line.next;
      continue;
    }
    if (field?.name !== 'data') lines.push(event.raw.subarray(at, line.at), LF);
    else if (!isWritten) lines.push(dataLines(data ?? ''));
    if (field?.name === 'data') isWritten = true;
    at = line.next;
  }
  return Buffer.concat(lines);
}

/** An event that carries a message and nothing else. */
export function renderMessage(data: Uint8Array | string): Uint8Array {
  return Buffer.concat([dataLines(data), LF]);
}

/** SECURITY: a line break in the data would end its line, and what follows it would be a field. */
function dataLines(data: Uint8Array | string): Uint8Array {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const lines: Uint8Array[] = [];
  let at = 0;
  for (let line = findLineEnd(bytes, 0); line; line = findLineEnd(bytes, line.next, line)) {
    lines.push(NAME, bytes.subarray(at, line.at), LF);
    at = line.next;
  }
  return Buffer.concat([...lines, NAME, bytes.subarray(at), LF]);
}

const NAME = Buffer.from('data: ');
