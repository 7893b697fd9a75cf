/** Comments on event streams that are silent, so that nobody in between takes the silence for an end (wire.md §5). */
import type { ServerResponse } from 'node:http';

export interface KeepAlive {
  /** Watches a stream until it is over. The answer is to be called whenever an event is written to it. */
  watch(response: ServerResponse): () => void;
  /** Writes a comment to each stream that was silent for 15 s. To be called about once a second, with monotonic ms. */
  beat(now: number): void;
}

/** How long a stream may be silent, ms: proxies and clients give up after 30 s and more. */
const SILENCE = 15_000;
const COMMENT = ': keep-alive\n\n';

interface Watched {
  readonly response: ServerResponse;
  /** Something was written since the last beat. */
  heard: boolean;
  /** Monotonic ms of the beat before the last event, or of the last comment. */
  since: number;
}

/** No streams yet. There are no more than connections. */
export function createKeepAlive(): KeepAlive {
  const streams = new Set<Watched>();
  let last: number | undefined;
  return {
    watch(response) {
      const watched: Watched = { response, heard: true, since: 0 };
      streams.add(watched);
      response.once('close', () => streams.delete(watched));
      return () => {
        watched.heard = true;
      };
    },
    beat(now) {
      for (const watched of streams) keepAlive(watched, last ?? now, now);
      last = now;
    },
  };
}

/** Events are written whole, so that a comment stands between two of them. Where one still waits for the client, nothing is silent. */
function keepAlive(watched: Watched, last: number, now: number): void {
  const { response } = watched;
  if (watched.heard) {
    watched.heard = false;
    watched.since = last;
  } else if (now - watched.since >= SILENCE && response.writableLength === 0 && !response.writableEnded) {
    response.write(COMMENT);
    watched.since = now;
  }
}
