/** The sessions of a listener by their `Mcp-Session-Id`. INVARIANT: for anybody but the agent that opened it, a session does not exist (wire.md §2.7). */
import type { Agent } from './agents.ts';

export interface Listed {
  readonly agent: Agent;
  /** Whether anybody waits for something in it, or listens. */
  isBusy(): boolean;
  /** Monotonic ms of the last request. */
  touched: number;
  end(why: string): Promise<void>;
}

export interface Sessions<T extends Listed> {
  readonly size: number;
  find(id: string, agent: Agent): T | undefined;
  /** Answers false where the id belongs to another agent. */
  add(id: string, session: T): boolean;
  remove(id: string, session: T): void;
  /** Whether one more may be opened, beside `opening` that have no id yet; one that nobody has used for long makes room. */
  hasRoom(now: number, opening: number): boolean;
  all(): Iterable<T>;
}

/** How long a session that nobody uses is kept when others want its place, ms. */
export const IDLE = 15 * 60_000;

/** No sessions yet, of `most` at the same time. */
export function createSessions<T extends Listed>(most: number): Sessions<T> {
  const sessions = new Map<string, T>();
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
    hasRoom(now, opening) {
      if (sessions.size + opening < most) return true;
      for (const [id, session] of sessions) {
        if (session.isBusy() || now - session.touched < IDLE) continue;
        sessions.delete(id);
        void session.end('the session was not used any more');
        return true;
      }
      return false;
    },
    all: () => sessions.values(),
  };
}
