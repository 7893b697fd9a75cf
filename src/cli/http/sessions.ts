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
  /** Whether one more may be opened; one that nobody has used for long makes room. */
  hasRoom(now: number): boolean;
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
  makeRoom(now: number): boolean;
}

/** How long a session that nobody uses is kept when others want its place, ms. */
export const IDLE = 15 * 60_000;

/** No sessions yet. `opening`: how many are about to be, and have no id yet. */
export function createSessions<T extends Listed>({ most, kinds }: Places, opening: () => number): Sessions<T> {
  const sessions = new Map<string, T>();
  const makeRoom = (now: number) => {
    for (const [id, session] of sessions) {
      if (session.isBusy() || now - session.touched < IDLE) continue;
      sessions.delete(id);
      void session.end('the session was not used any more');
      return true;
    }
    return false;
  };
  kinds.push({ taken: () => sessions.size + opening(), makeRoom });
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
    hasRoom: (now) => kinds.reduce((sum, kind) => sum + kind.taken(), 0) < most || kinds.some((kind) => kind.makeRoom(now)),
    all: () => sessions.values(),
  };
}
