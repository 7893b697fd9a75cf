/** Opens sessions of the listener's own making, as many as are allowed, each with its server. */

import type { ServedRequest } from '../../http/server.ts';
import { StartError } from '../../process/child.ts';
import type { Agent, Agents } from './agents.ts';
import type { OpenBackend } from './backend.ts';
import { type DuplexSession, openDuplexSession } from './duplex-session.ts';
import { startedByMessage } from './lazy-backend.ts';
import type { Sessions } from './sessions.ts';
import type { Uses } from './uses.ts';

export interface DuplexParts {
  readonly agents: Agents;
  readonly sessions: Sessions<DuplexSession>;
  readonly uses: Uses;
  readonly openBackend: OpenBackend;
  /** Whether a server takes an array of messages in one frame. */
  readonly joinBatches: boolean;
  readonly maxMessage: number;
  /** What stands before every path for clients. */
  readonly prefix: string;
  /** How many are being opened. */
  opening: number;
  /** Sessions that are no more, whose servers still end: the proxy outlives them (wire.md §4). */
  readonly ending: Set<Promise<void>>;
  /** The modern era has no sessions: one server for each agent (wire.md §1). */
  readonly pool: Map<string, Promise<DuplexSession | undefined>>;
}

/** How a session is spoken in; see `DuplexOptions`. */
interface Manner {
  readonly modern: boolean;
  readonly oneStream: boolean;
}

/** Bytes that may wait for a slow reader besides one whole message. */
const SPARE = 4 * 1024 * 1024;

/** Bytes that may wait for one reader. */
export function maxWaiting({ maxMessage }: DuplexParts): number {
  return maxMessage + SPARE;
}

/** Opens a session, and its server with it; undefined where that was refused. */
export async function openServer(
  request: ServedRequest,
  agent: Agent,
  parts: DuplexParts,
  manner: Manner,
): Promise<DuplexSession | undefined> {
  const { sessions, uses, pool, joinBatches } = parts;
  const { reply, rawHeaders } = request;
  if (!sessions.hasRoom(agent.ports.monotonic())) {
    reply.refuse(503, 'there are as many sessions as are allowed (--max-sessions)', { headers: { 'retry-after': '60' } });
    return undefined;
  }
  const onEnd = (duplex: DuplexSession) => {
    sessions.remove(duplex.id, duplex);
    uses.remove(agent);
    if (manner.modern) pool.delete(agent.key);
    const end = duplex.end('the session is over').finally(() => parts.ending.delete(end));
    parts.ending.add(end);
  };
  const openBackend = manner.oneStream ? startedByMessage(parts.openBackend, (error) => sayWhy(error, agent)) : parts.openBackend;
  parts.opening += 1;
  try {
    const duplex = await openDuplexSession(agent, {
      ...manner,
      openBackend,
      joinBatches,
      rawHeaders,
      maxWaiting: maxWaiting(parts),
      onEnd,
    });
    sessions.add(duplex.id, duplex);
    uses.add(agent);
    return duplex;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    sayWhy(error, agent);
    reply.refuse(502, 'the server could not be started');
    return undefined;
  } finally {
    parts.opening -= 1;
  }
}

function sayWhy(error: unknown, { ports }: Agent): void {
  ports.log.error(error instanceof StartError ? error.message : `internal fault: ${String(error)}`);
}
