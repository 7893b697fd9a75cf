/**
 * Headers as they stood on the wire; which of them pass through the listener (wire.md §5); what in `Authorization` says who
 * sends, beside what pays (policy.md §8, §12); and the cookies of the upstream.
 */
import { isIP } from 'node:net';
import type { SetCookie } from 'cookie';

/** To be sent, by name. */
export type HeaderFields = Readonly<Record<string, string>>;

/** Of an answer, by name in lower case; repeated ones joined with a comma. SECURITY: cookies are not among them. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>;

/**
 * Every value of the header `name` (in lower case), in order. `raw` is what Node calls `rawHeaders`. SECURITY: without the
 * white space that HTTP allows around a value, and no other: to who reads it next, U+00A0 belongs to it.
 */
export function valuesOf(raw: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.length !== name.length || raw[index]?.toLowerCase() !== name) continue;
    const value = raw[index + 1] as string;
    let [start, end] = [0, value.length];
    for (let code = value.charCodeAt(start); code === 32 || code === 9; code = value.charCodeAt(start)) start++;
    for (let code = value.charCodeAt(end - 1); end > start && (code === 32 || code === 9); code = value.charCodeAt(end - 1)) end--;
    values.push(value.slice(start, end));
  }
  return values;
}

/** A credential's beginning, and a parameter of the one before. */
const SCHEME = /^\s*[\w!#$%&'*+.^`|~-]+(?:\s+[^\s=]|$)/;
const PARAMETER = /^\s*[\w!#$%&'*+.^`|~-]+\s*=/;
const PAYMENT = /^\s*payment(?:\s|$)/i;

/** The header without payments, which name nobody: the same agent sends another one with every call. Empty where it only pays. */
export function withoutPayments(authorization: string): string {
  if (!/payment/i.test(authorization)) return authorization;
  let isPaying = false;
  const kept = authorization.split(',').filter((part) => {
    isPaying = PAYMENT.test(part) || (isPaying && PARAMETER.test(part));
    return !isPaying && part.trim() !== '';
  });
  return kept.join(',').trim();
}

/** SECURITY: whether it names several senders, of which the server may take another than we do. */
export function namesSeveral(authorization: string): boolean {
  if (!authorization.includes(',')) return false;
  const [first = '', ...others] = withoutPayments(authorization)
    .split(',')
    .filter((part) => part.trim() !== '');
  return others.some((part) => SCHEME.test(part)) || (others.length > 0 && /^\s*bearer\s/i.test(first));
}

export interface RequestRules {
  /** `--pass-header`, in lower case. */
  readonly passed: readonly string[];
  /** The client's own `Authorization` is the upstream's business. */
  readonly authorization: boolean;
  /** `--preserve-host`. */
  readonly host: boolean;
}

const TO_UPSTREAM: ReadonlySet<string> = new Set([
  ...['accept', 'content-type', 'last-event-id', 'user-agent', 'traceparent', 'tracestate', 'baggage'],
  ...['x-payment', 'payment-signature', 'payment-authorization', 'accept-payment'],
]);
const TO_CLIENT: ReadonlySet<string> = new Set([
  ...['content-type', 'content-language', 'cache-control', 'retry-after', 'www-authenticate', 'x-request-id', 'traceparent', 'tracestate'],
  ...['payment-required', 'payment-response', 'x-payment-response', 'payment-receipt', 'deprecation', 'sunset', 'x-accel-buffering'],
]);

/** The client's headers that the upstream gets; names in lower case, repeated ones joined. */
export function toUpstream(rawHeaders: readonly string[], rules: RequestRules): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (!passesUp(name, rules)) continue;
    const value = rawHeaders[index + 1] as string;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

const PAYS = /^(?:x-payment|payment-.*|accept-payment)$/;

/**
 * The headers without what pays. SECURITY: a payment goes with the one message that it was judged with (policy.md §8),
 * and not with a stream, with the end of a session, or with messages of the proxy's own.
 */
export function withoutPayment(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { authorization, ...others } = headers;
  const naming = authorization === undefined ? '' : withoutPayments(authorization);
  const kept = Object.entries(others).filter(([name]) => !PAYS.test(name));
  return { ...Object.fromEntries(kept), ...(naming !== '' && { authorization: naming }) };
}

/** True where a client pays by these headers, or says that it can. */
export function speaksOfPayment(headers: Readonly<Record<string, string>>): boolean {
  const { authorization = '' } = headers;
  return withoutPayments(authorization) !== authorization || Object.keys(headers).some((name) => PAYS.test(name));
}

/** Headers that belong to one message or one session. */
const OF_MESSAGE = /^(?:accept|content-type|last-event-id|mcp-.*)$/;

/** The headers that say who sends, and nothing of what: for messages that are written anew, and for streams before there is a session. */
export function ofSender(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(withoutPayment(headers)).filter(([name]) => !OF_MESSAGE.test(name)));
}

function passesUp(name: string, { passed, authorization, host }: RequestRules): boolean {
  if (name === 'authorization') return authorization;
  if (name === 'host') return host;
  return TO_UPSTREAM.has(name) || name.startsWith('mcp-') || passed.includes(name);
}

/**
 * The upstream's headers that the client gets. SECURITY: what could send a client elsewhere, or let a page read what
 * it must not (`Location`, `Link`, `Alt-Svc`, `Refresh`, `Access-Control-*`, cookies), is not among them.
 */
export function toClient(headers: AnswerHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && (TO_CLIENT.has(name) || /^(?:mcp-|x-ratelimit-|ratelimit)/.test(name))) kept[name] = value;
  }
  return EVENTS.test(kept['content-type'] ?? '') ? { ...kept, 'content-type': 'text/event-stream' } : kept;
}

/** SECURITY: events were judged as UTF-8. Who believes another charset would read others out of the same bytes. */
const EVENTS = /^\s*text\/event-stream\s*;(?!\s*charset\s*=\s*(?:utf-?8|"utf-?8")\s*$)/i;

/**
 * The cookies of one upstream session (wire.md §5): a balancer before several nodes plants one, and finds by it the node
 * that has the session. SECURITY: they go back to the origin that set them, with the session that they were set in, and to nobody else.
 */
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
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

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

function keep(kept: Map<string, Kept>, set: SetCookie, url: URL, now: number): void {
  const { name, value = '', domain, secure = false } = set;
  const pair = `${name}=${value}`;
  if (!COOKIE_NAME.test(name) || pair.length > MAX_COOKIE || !isOwn(domain, url.hostname)) return;
  // One that must not be read on the way does not come from where everybody could have set it.
  if (secure && url.protocol !== 'https:') return;
  const path = set.path?.startsWith('/') ? set.path : directoryOf(url.pathname);
  if (path.length > MAX_COOKIE) return;
  const key = `${name}=${path}`;
  kept.delete(key);
  const until = set.maxAge !== undefined ? now + set.maxAge * 1_000 : (set.expires?.getTime() ?? Number.POSITIVE_INFINITY);
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

/** True where a cookie for this domain is one for this host. It goes to no other host of the domain, whatever it says. */
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
