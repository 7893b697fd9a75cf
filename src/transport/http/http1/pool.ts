/** The connections to one origin: kept for the next request, as many at once as there are requests. */
import type { GiveUpSignal } from '../give-up.ts';
import { type Connection, openConnection } from './connection.ts';
import { dial } from './dial.ts';

export interface Pool {
  /** One that takes a request now; rejects with `UpstreamFault`, of which nothing was sent. */
  take(signal: GiveUpSignal): Connection | Promise<Connection>;
  /** Drops idle connections; those in use end with their requests. */
  close(): void;
}

interface Idle {
  readonly connection: Connection;
  /** Monotonic ms. */
  readonly until: number;
}

/** How many are kept that nobody uses. */
const MAX_IDLE = 256;
/** How often they are looked through, ms. */
const SWEEP = 1_000;

/** Opens the pool for the origin of `url`. */
export function openPool(url: URL): Pool {
  let idle: Idle[] = [];
  let isClosed = false;
  let sweeping: NodeJS.Timeout | undefined;
  const sweep = () => {
    sweeping = undefined;
    const now = performance.now();
    for (const { connection } of idle.filter(({ until }) => until <= now)) connection.drop();
    idle = idle.filter(({ until }) => until > now);
    schedule();
  };
  const schedule = () => {
    if (idle.length > 0) sweeping ??= setTimeout(sweep, SWEEP).unref();
  };
  const owner = {
    free(connection: Connection, keptFor: number) {
      if (isClosed || idle.length >= MAX_IDLE) return connection.drop();
      idle.push({ connection, until: performance.now() + keptFor });
      schedule();
    },
    gone(connection: Connection) {
      idle = idle.filter((one) => one.connection !== connection);
    },
  };
  return {
    take(signal) {
      // The one that was used last is the last that its server gives up.
      for (let last = idle.pop(); last; last = idle.pop()) {
        if (last.until > performance.now() && last.connection.isFree) return last.connection;
        last.connection.drop();
      }
      return dial(url, signal).then((socket) => openConnection(socket, owner));
    },
    close() {
      isClosed = true;
      clearTimeout(sweeping);
      for (const { connection } of idle.splice(0)) connection.drop();
    },
  };
}
