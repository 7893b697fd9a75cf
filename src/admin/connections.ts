/** The connections of the admin server: bounded, and never all of them taken by programs that only hold them (cli.md §3). */
import type { Socket } from 'node:net';

/** Beyond so many, new connections take the places of those that ask nothing. */
const MOST = 128;
/** Beyond so many, also the places of those that have just come. */
const MOST_OF_ALL = 512;
/** A new connection has so long to send its request before another may take its place, ms. */
const GRACE = 1_000;
/** For a request's head, and between two requests, ms. */
const HEAD = 10_000;
/** SECURITY: a reader that takes nothing of its answer is let go; event streams are bounded by their own measure. */
const SILENT = 30_000;

export interface Connections {
  /** A new one. The oldest that asks nothing gives way, or else the new one goes. */
  enter(socket: Socket): void;
  /** A request is under way that has shown no right to a place yet, or was refused: it may give way. Bounded by its own measure. */
  hold(socket: Socket): void;
  /** It asks something that it may ask, and keeps its place while that lasts. */
  keep(socket: Socket): void;
  /** It has been answered. */
  rest(socket: Socket): void;
  closeAll(): void;
}

interface Place {
  since: number;
  isKept: boolean;
  /** Closes it where no head comes. */
  deadline: NodeJS.Timeout | undefined;
}

/** No connections yet. `monotonic` in ms. */
export function createConnections(monotonic: () => number): Connections {
  /** Those that may give way stand in the order in which they came to rest. */
  const places = new Map<Socket, Place>();
  const settle = (socket: Socket, isKept: boolean, isAsking: boolean) => {
    const place = places.get(socket);
    if (!place) return;
    clearTimeout(place.deadline);
    places.delete(socket);
    places.set(socket, { since: monotonic(), isKept, deadline: isAsking ? undefined : deadlineOf(socket) });
  };
  return {
    enter(socket) {
      if (places.size >= MOST && !freePlace(places, monotonic())) {
        socket.destroy();
        return;
      }
      places.set(socket, { since: monotonic(), isKept: false, deadline: deadlineOf(socket) });
      socket.setTimeout(SILENT, () => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        clearTimeout(places.get(socket)?.deadline);
        places.delete(socket);
      });
    },
    hold: (socket) => settle(socket, false, true),
    keep: (socket) => settle(socket, true, true),
    rest: (socket) => settle(socket, false, false),
    closeAll() {
      for (const socket of places.keys()) socket.destroy();
    },
  };
}

/** Closes a connection that may make way for one more; answers whether one more may come. */
function freePlace(places: ReadonlyMap<Socket, Place>, now: number): boolean {
  for (const [socket, { since, isKept }] of places) {
    if (isKept) continue;
    if (now - since < GRACE && places.size < MOST_OF_ALL) return true;
    socket.destroy();
    return true;
  }
  return places.size < MOST_OF_ALL;
}

function deadlineOf(socket: Socket): NodeJS.Timeout {
  return setTimeout(() => socket.destroy(), HEAD).unref();
}
