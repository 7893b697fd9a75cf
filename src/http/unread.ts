/** What one agent was answered and has not read (wire.md §2.13): it waits in our memory, also once nobody waits for more of it. */
import type { ServerResponse } from 'node:http';

export interface Unread {
  /** Whether so many bytes more may be written to this response, beside all that waits in others of the agent. */
  admits(bytes: number, response: ServerResponse): boolean;
}

/** Bytes that cost no more than the connection does on which they wait. */
const SMALL = 16 * 1024;

/** Nothing written yet, and `most` bytes that may wait; what waits alone may be longer. */
export function createUnread(most: number): Unread {
  const open = new Set<ServerResponse>();
  return {
    admits(bytes, response) {
      if (bytes + response.writableLength < SMALL) return true;
      let waiting = 0;
      for (const { writableLength } of open) waiting += writableLength;
      if (waiting > 0 && waiting + bytes > most) return false;
      if (open.has(response)) return true;
      open.add(response);
      const done = () => open.delete(response);
      // Not every platform tells of both.
      response.once('finish', done).once('close', done);
      return true;
    },
  };
}
