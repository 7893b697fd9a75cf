/** The sessions of servers that give no session ids: one for each agent and revision. */
import { LEGACY } from '../../mcp/messages/revisions.ts';
import type { Agent } from './agents.ts';
import type { RelaySession } from './relay-session.ts';
import { IDLE } from './sessions.ts';

export interface BareSessions {
  find(agent: Agent, version: string): RelaySession | undefined;
  /** Keeps it for all requests of its agent and revision that name no session. */
  keep(relay: RelaySession, version: string): void;
  remove(relay: RelaySession): void;
  /** Ends those that nobody has used for long. */
  sweep(now: number): void;
}

const KNOWN: ReadonlySet<string> = new Set(LEGACY);
/** The revision of clients that do not say theirs (the MCP transports page of 2025-06-18 says so). */
export const UNSAID = '2025-03-26';

/** None yet. INVARIANT I11: as many as agents that the upstream has accepted, or that wait for it, times the revisions. */
export function createBareSessions(): BareSessions {
  const bare = new Map<string, RelaySession>();
  const remove = (relay: RelaySession) => {
    for (const version of KNOWN) if (bare.get(keyOf(relay.agent, version)) === relay) bare.delete(keyOf(relay.agent, version));
  };
  return {
    find: (agent, version) => bare.get(keyOf(agent, version)),
    keep(relay, version) {
      bare.set(keyOf(relay.agent, version), relay);
      relay.isBare = true;
    },
    remove,
    sweep(now) {
      for (const relay of bare.values()) {
        if (relay.isBusy() || now - relay.touched < IDLE) continue;
        remove(relay);
        void relay.end('the session was not used any more');
      }
    },
  };
}

function keyOf({ key }: Agent, version: string): string {
  return `${KNOWN.has(version) ? version : UNSAID} ${key}`;
}

/** SPEC: wire.md §5 — a credential that the server took nothing from may be invented: once nothing of it is under way, nothing stays. */
export function isUnknown({ agent, posts, asking }: RelaySession): boolean {
  return !agent.isAccepted && posts.size === 0 && asking === 0;
}
