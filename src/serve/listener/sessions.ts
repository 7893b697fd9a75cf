/** The sessions of a listener by their `Mcp-Session-Id`. INVARIANT: for anybody but the agent that opened it, a session does not exist (wire.md §2.7). */
import type { ServedRequest } from '../../http/server.ts';
import type { ProxySession } from '../../proxy/session.ts';
import type { Agent, Agents } from './agents.ts';

export interface Listed {
  readonly agent: Agent;
  /** It is of HTTP+SSE: its messages come to another path. */
  readonly oneStream: boolean;
  /** Answers true while a request waits in it, or a stream listens. */
  isBusy(): boolean;
  /** Monotonic ms of the last request, or of its end. */
  touched: number;
  /** Its client came back after it had opened it. */
  returned: boolean;
  end(why: string): Promise<void>;
}

export interface SessionTable<T extends Listed> {
  readonly size: number;
  find(id: string, agent: Agent): T | undefined;
  /** Answers false where the id belongs to another agent. */
  add(id: string, session: T): boolean;
  remove(id: string, session: T): void;
  /** Answers whether one more may be opened; if need be, one that nobody has used for long ends for it. */
  mayOpen(now: number): boolean;
  /** Ends those whose client did not come back after it had opened them. */
  endAlone(now: number): void;
  all(): Iterable<T>;
}

/** The places of a listener (`--max-sessions`), for its sessions of every kind. */
export interface Places {
  readonly most: number;
  readonly kinds: Kind[];
}

interface Kind {
  taken(): number;
  /** Ends one that nobody has used for long; answers whether there was one. */
  endUnused(now: number): boolean;
}

/** A session that nobody uses is kept for so long when others want its place, ms. */
export const IDLE = 15 * 60_000;

/** A session whose client has not come back yet is kept for so long, ms: many a client gives up before it has its answer. */
export const ALONE = 60_000;

/** A session that nobody has used for long may end. */
export function isUnused(session: Listed, now: number): boolean {
  return !session.isBusy() && now - session.touched >= (session.returned ? IDLE : ALONE);
}

/**
 * Finds the session that a request at `/mcp` names, or refuses it. SECURITY: who asks for a session of another agent hears the same as
 * who asks for one that never was.
 */
export function findSession<T extends Listed>(
  id: string,
  { reply }: ServedRequest,
  agent: Agent,
  sessions: SessionTable<T>,
): T | undefined {
  const session = sessions.find(id, agent);
  if (!session || session.oneStream) {
    reply.refuse(404, 'session not found');
    return undefined;
  }
  session.touched = agent.ports.monotonic();
  session.returned = true;
  return session;
}

/** Refuses to open one session more. */
export function refuseFull({ reply }: ServedRequest): void {
  reply.refuse(503, 'there are as many sessions as are allowed (--max-sessions)', { headers: { 'retry-after': '60' } });
}

/** The part of a session that an endpoint uses. */
interface Open {
  readonly session: ProxySession;
  readonly posts: ReadonlyMap<unknown, { readonly listens: boolean }>;
}

/** Answers true while a call is under way; streams that only listen do not count. */
export function isCalling(sessions: Iterable<Open>): boolean {
  for (const { posts } of sessions) for (const { listens } of posts.values()) if (!listens) return true;
  return false;
}

/** Ends what has waited too long in these sessions, and in what the sessions of one agent share. */
export async function sweepSessions(sessions: Iterable<Open>, agents: Agents): Promise<void> {
  const shared = [...agents.all()].map((agent) => agent.shared.sweep());
  await Promise.all([...[...sessions].map(({ session }) => session.sweep()), ...shared]);
}

/** Creates the empty table. `opening` counts those that are being opened and have no id yet. */
export function createSessions<T extends Listed>({ most, kinds }: Places, opening: () => number): SessionTable<T> {
  const sessions = new Map<string, T>();
  const endUnused = (now: number) => {
    for (const [id, session] of sessions) {
      if (!isUnused(session, now)) continue;
      sessions.delete(id);
      void session.end('the session was not used any more');
      return true;
    }
    return false;
  };
  kinds.push({ taken: () => sessions.size + opening(), endUnused });
  return {
    get size() {
      return sessions.size;
    },
    find(id, agent) {
      const session = sessions.get(id);
      return session?.agent.key === agent.key ? session : undefined;
    },
    add(id, session) {
      const before = sessions.get(id);
      if (before && before.agent.key !== session.agent.key) return false;
      sessions.set(id, session);
      if (before && before !== session) void before.end('the server opened the session anew');
      return true;
    },
    remove(id, session) {
      if (sessions.get(id) === session) sessions.delete(id);
    },
    mayOpen: (now) => kinds.reduce((sum, kind) => sum + kind.taken(), 0) < most || kinds.some((kind) => kind.endUnused(now)),
    endAlone(now) {
      for (const [id, session] of sessions) {
        if (session.returned || !isUnused(session, now)) continue;
        sessions.delete(id);
        void session.end('its client did not come back');
      }
    },
    all: () => sessions.values(),
  };
}

/** Counts the sessions that each agent has open, so that nobody has to look through all of them for one. */
export interface Uses {
  add(agent: Agent): void;
  remove(agent: Agent): void;
  has(agent: Agent): boolean;
}

/** Creates the empty count. There are no more entries than sessions. */
export function createUses(): Uses {
  const counts = new Map<Agent, number>();
  return {
    add: (agent) => void counts.set(agent, (counts.get(agent) ?? 0) + 1),
    remove(agent) {
      const left = (counts.get(agent) ?? 0) - 1;
      if (left > 0) counts.set(agent, left);
      else counts.delete(agent);
    },
    has: (agent) => counts.has(agent),
  };
}
