/** Reading on in audit files that grow (cli.md §1): what was read once is not read again. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { listEventFiles, parseRecord, type StoredRecord, unreadable } from './read.ts';

const LINE_FEED = 10;

export interface EventFollower {
  /** The records that were written since the last time, file by file. */
  next(): AsyncGenerator<StoredRecord>;
}

/** Follows the folder's files, from records no older than `since` (epoch ms). A line that is not whole yet is read when it is. */
export function followEventFiles(dir: string, since: number): EventFollower {
  /** Bytes of each file that were read. Files that are gone leave it. */
  const places = new Map<string, number>();
  return {
    async *next() {
      const files = await listEventFiles(dir);
      for (const file of places.keys()) if (!files.includes(file)) places.delete(file);
      for (const file of files) {
        const start = places.get(file) ?? 0;
        const now = await stat(file).catch(() => undefined);
        if (!now || now.size <= start) continue;
        if (start === 0 && now.mtimeMs < since) continue;
        for await (const { bytes, end } of wholeLines(file, start)) {
          places.set(file, end);
          const record = parseRecord(bytes.toString('utf8'));
          if (record && !(Date.parse(record.ts) < since)) yield record;
        }
      }
    },
  };
}

/** The lines from there on that a line feed ends, each with the place behind it. A file that is gone has none. */
async function* wholeLines(file: string, start: number): AsyncGenerator<{ readonly bytes: Buffer; readonly end: number }> {
  let parts: Buffer[] = [];
  let end = start;
  try {
    for await (const chunk of createReadStream(file, { start }) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
        const bytes = Buffer.concat([...parts, chunk.subarray(from, at)]);
        parts = [];
        from = at + 1;
        end += bytes.length + 1;
        yield { bytes, end };
      }
      parts.push(chunk.subarray(from));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable('audit file', file, error as NodeJS.ErrnoException);
  }
}
