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
  readonly since: number;
  readonly until: number;
}

/** How many are kept that nobody uses. */
const MAX_IDLE = 256;
/** After so long without use the server may have closed one, which is asked of the system before it is used, ms. */
const RESTED = 100;
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
      const since = performance.now();
      idle.push({ connection, since, until: since + keptFor });
      schedule();
    },
    gone(connection: Connection) {
      idle = idle.filter((one) => one.connection !== connection);
    },
  };
  const take = (signal: AbortSignal) => {
    // The one that was used last is the last that its server gives up.
    for (let last = idle.pop(); last; last = idle.pop()) {
      const now = performance.now();
      if (last.until <= now || !last.connection.isFree) last.connection.drop();
      else return now - last.since < RESTED ? last.connection : look(last.connection, signal);
    }
    return dial(url, signal).then((socket) => openConnection(socket, owner));
  };
  /** What the server closed a while ago may wait to be seen. INVARIANT I9: of a request that is written there nobody knows the end. */
  const look = async (connection: Connection, signal: AbortSignal): Promise<Connection> => {
    // The first turn ends the one that is under way; the second hears what has come.
    await turn();
    await turn();
    return connection.isFree ? connection : take(signal);
  };
  return {
    take,
    close() {
      isClosed = true;
      clearTimeout(sweeping);
      for (const { connection } of idle.splice(0)) connection.drop();
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
