/**
 * Cookies of the upstream (wire.md §5): a balancer before several nodes plants one, and finds by it the node that has the
 * session. SECURITY: they go back to the origin that set them, with the session that they were set in, and to nobody else.
 */
import { isIP } from 'node:net';
import type { SetCookie } from 'cookie';

/** The cookies of one upstream session. */
export interface CookieJar {
  /** Takes what an answer from `url` sets; resolves when that goes with requests. */
  take(lines: readonly string[], url: URL): Promise<void>;
  /** Answers with what goes with a request to `url`: `own` first, and of each of its names that one alone. */
  headerFor(url: URL, own: string | undefined): string | undefined;
}

interface Kept {
  readonly name: string;
  /** Name and value as they came. */
  readonly pair: string;
  readonly path: string;
  readonly secure: boolean;
  /** Unix ms. */
  readonly until: number;
}

/** INVARIANT I11: of one jar, in number and in bytes; the one that was set first goes first. */
export const MAX_COOKIES = 32;
export const MAX_BYTES = 8 * 1024;
/** Longer ones are none (RFC 6265 §6.1). */
const MAX_COOKIE = 4 * 1024;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Opens an empty jar. The reader of cookies is loaded with the first one. */
export function createCookieJar(clock: () => number = Date.now): CookieJar {
  // SECURITY: a Map, since names are the server's. One name has a cookie for each path.
  const kept = new Map<string, Kept>();
  return {
    async take(lines, url) {
      const { parseSetCookie } = await import('cookie');
      for (const line of lines) keep(kept, parseSetCookie(line, { decode: (text) => text }), url, clock());
    },
    headerFor(url, own) {
      if (kept.size === 0) return own;
      const now = clock();
      for (const [key, { until }] of kept) if (until <= now) kept.delete(key);
      const taken = namesIn(own);
      const fitting = [...kept.values()].filter((cookie) => fits(cookie, url) && !taken.has(cookie.name));
      // SPEC: RFC 6265 §5.4 — the one of the longer path is read first.
      const pairs = fitting.sort((a, b) => b.path.length - a.path.length).map(({ pair }) => pair);
      return pairs.length === 0 ? own : [...(own === undefined ? [] : [own]), ...pairs].join('; ');
    },
  };
}

function keep(kept: Map<string, Kept>, said: SetCookie, url: URL, now: number): void {
  const { name, value = '', domain, secure = false } = said;
  const pair = `${name}=${value}`;
  if (!NAME.test(name) || pair.length > MAX_COOKIE || !isOwn(domain, url.hostname)) return;
  // One that must not be read on the way does not come from where everybody could have set it.
  if (secure && url.protocol !== 'https:') return;
  const path = said.path?.startsWith('/') ? said.path : directoryOf(url.pathname);
  if (path.length > MAX_COOKIE) return;
  const key = `${name}=${path}`;
  kept.delete(key);
  const until = said.maxAge !== undefined ? now + said.maxAge * 1_000 : (said.expires?.getTime() ?? Number.POSITIVE_INFINITY);
  if (until <= now) return;
  kept.set(key, { name, pair, path, secure, until });
  for (const [oldest, cookie] of kept) {
    if (kept.size <= MAX_COOKIES && bytesOf(kept) <= MAX_BYTES) break;
    if (cookie.pair !== pair || cookie.path !== path) kept.delete(oldest);
  }
}

function bytesOf(kept: ReadonlyMap<string, Kept>): number {
  let bytes = 0;
  for (const { pair, path } of kept.values()) bytes += pair.length + path.length;
  return bytes;
}

/** Whether a cookie for this domain is one for this host. It goes to no other host of the domain, whatever it says. */
function isOwn(domain: string | undefined, host: string): boolean {
  const named = domain?.replace(/^\./, '').toLowerCase() ?? '';
  return named === '' || named === host || (isIP(host) === 0 && host.endsWith(`.${named}`));
}

/** SPEC: RFC 6265 §5.1.4. */
function directoryOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}

function fits({ path, secure }: Kept, { pathname, protocol }: URL): boolean {
  if (secure && protocol !== 'https:') return false;
  return pathname === path || (pathname.startsWith(path) && (path.endsWith('/') || pathname[path.length] === '/'));
}

function namesIn(own: string | undefined): ReadonlySet<string> {
  return new Set(own?.split(';').map((pair) => pair.split('=', 1)[0]?.trim() ?? ''));
}
