/**
 * Keeps the sessions of those who are signed in to the page. A session is a cookie and a key that the page keeps for itself.
 * SECURITY: a browser sends cookies to every port of a host, so another program on this machine that is visited can see
 * the cookie. The key is kept by origin, port included: neither opens anything without the other.
 */
import { randomBytes } from 'node:crypto';
import { sameText } from '../access.ts';
import type { AdminCall } from '../route.ts';

/** ms. */
const LIFETIME = 8 * 3_600_000;
const MOST_SESSIONS = 64;
const MOST_SHOWN = 1_000;

export interface PageSession {
  readonly id: string;
  readonly key: string;
  readonly since: number;
  /** The hash of the approver secret that was given in it, where one was. */
  approver: string | undefined;
  /** When each record was first shown, in ms that never step back. */
  readonly shown: Map<string, number>;
}

export interface PageSessions {
  open(): PageSession;
  find(id: string | undefined, key: string | undefined): PageSession | undefined;
  end(session: PageSession): void;
}

/** Opens the list; the oldest session gives way. */
export function openSessions(monotonic: () => number): PageSessions {
  const sessions = new Map<string, PageSession>();
  return {
    open() {
      const session = { id: newSecret(), key: newSecret(), since: monotonic(), approver: undefined, shown: new Map<string, number>() };
      sessions.set(session.id, session);
      const [oldest] = sessions.keys();
      if (sessions.size > MOST_SESSIONS && oldest !== undefined) sessions.delete(oldest);
      return session;
    },
    find(id, key) {
      const session = id === undefined ? undefined : sessions.get(id);
      if (!session || key === undefined || !sameText(session.key, key)) return undefined;
      if (monotonic() - session.since <= LIFETIME) return session;
      sessions.delete(session.id);
      return undefined;
    },
    end: ({ id }) => void sessions.delete(id),
  };
}

/** Notes that a record is being shown; the first time counts. */
export function noteShown({ shown }: PageSession, approval: string, now: number): void {
  if (shown.has(approval)) return;
  const [oldest] = shown.keys();
  if (shown.size >= MOST_SHOWN && oldest !== undefined) shown.delete(oldest);
  shown.set(approval, now);
}

/** The cookie of that name, as the browser sent it. */
export function cookieOf({ header }: AdminCall, name: string): string | undefined {
  const pairs = (header('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([key]) => key === name)?.[1];
}

/** A secret that nobody guesses. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
