/** Who may speak to the listener (wire.md §5): the name it is called by, the page that calls, the token that it brings. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { namesSeveral } from './credentials.ts';
import { isLoopback } from './loopback.ts';
import { valuesOf } from './raw-headers.ts';

export interface GuardRules {
  /** `--allow-host`: names, with or without a port. */
  readonly hosts: readonly string[];
  /** `--allow-origin`. */
  readonly origins: readonly string[];
  /** What a client has to bring as its bearer token; undefined where none is asked for. */
  readonly token: string | undefined;
  /** The listener is bound to a loopback address. */
  readonly loopback: boolean;
  readonly port: number;
}

/** What a request says of itself before its body is read. */
export interface Arriving {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
}

export type Verdict =
  /** `origin` is that of an allowed page, which may read the answer. */
  | { readonly kind: 'admitted'; readonly origin: string | undefined }
  | { readonly kind: 'refused'; readonly status: 400 | 401 | 403 | 501; readonly why: string; readonly origin?: string | undefined };

/** SECURITY: two readers that take different ones of these would act on different requests. */
const SINGLE: ReadonlySet<string> = new Set([
  ...['host', 'origin', 'authorization', 'content-type', 'content-encoding', 'content-length', 'transfer-encoding'],
  ...['mcp-session-id', 'last-event-id', 'sec-fetch-site', 'sec-fetch-mode'],
]);
/** What browsers say of requests that no page of somebody else caused, and of those that a script reads. */
const OWN_SITES: ReadonlySet<string> = new Set(['', 'same-origin', 'none']);
const SCRIPT_MODES: ReadonlySet<string> = new Set(['', 'cors', 'same-origin']);
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^\s:/?#@\\,[\]]+)(?::(\d{1,5}))?$/;

/** Checks a request against the rules. Preflights carry no credentials by their nature, and get none of ours. */
export function checkRequest(request: Arriving, rules: GuardRules): Verdict {
  const repeated = repeatedIn(request.rawHeaders);
  if (repeated) return { kind: 'refused', status: 400, why: `the header ${JSON.stringify(repeated)} occurs twice` };
  const [authorization = ''] = valuesOf(request.rawHeaders, 'authorization');
  if (namesSeveral(authorization)) return { kind: 'refused', status: 400, why: 'the header "authorization" has several credentials' };
  // SECURITY: who undoes another encoding reads another body (RFC 9112 §6.1).
  const [encoding = 'chunked'] = valuesOf(request.rawHeaders, 'transfer-encoding');
  if (encoding.toLowerCase() !== 'chunked')
    return { kind: 'refused', status: 501, why: `the transfer encoding ${JSON.stringify(encoding)} is not implemented: send "chunked"` };
  if (!request.target.startsWith('/')) return { kind: 'refused', status: 400, why: 'the request target is not a path' };
  const [host = ''] = valuesOf(request.rawHeaders, 'host');
  if (!isAllowedHost(host.toLowerCase(), rules))
    return { kind: 'refused', status: 403, why: `host ${JSON.stringify(host)} is not allowed: name it with --allow-host` };
  const [origin] = valuesOf(request.rawHeaders, 'origin');
  if (origin !== undefined && !isAllowedOrigin(origin, rules))
    return { kind: 'refused', status: 403, why: `origin ${JSON.stringify(origin)} is not allowed: name it with --allow-origin` };
  const page = origin === undefined ? pageBehind(request.rawHeaders) : undefined;
  if (page !== undefined) return { kind: 'refused', status: 403, why: page };
  if (request.method !== 'OPTIONS' && !bringsToken(request.rawHeaders, rules.token))
    return { kind: 'refused', status: 401, why: 'the bearer token is missing or wrong', origin };
  return { kind: 'admitted', origin };
}

/**
 * SECURITY: a page may ask for an image or a document of anybody without saying who it is, and see nothing of it; what
 * asking for it does is done all the same. Browsers say by these headers that they were made to.
 */
function pageBehind(rawHeaders: readonly string[]): string | undefined {
  const [site = ''] = valuesOf(rawHeaders, 'sec-fetch-site');
  const [mode = ''] = valuesOf(rawHeaders, 'sec-fetch-mode');
  if (OWN_SITES.has(site.toLowerCase()) && SCRIPT_MODES.has(mode.toLowerCase())) return undefined;
  return `a web page made a browser ask (${site || 'site unknown'}, ${mode || 'mode unknown'}): it may where its origin is allowed, with --allow-origin`;
}

function repeatedIn(rawHeaders: readonly string[]): string | undefined {
  const seen: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.includes(name)) return name;
    seen.push(name);
  }
  return undefined;
}

/**
 * SECURITY: a page whose name was made to point here (DNS rebinding) is called by that name. An address cannot be
 * rebound, so where the listener is reached from outside, any address passes: its token protects it.
 */
function isAllowedHost(host: string, { hosts, loopback }: GuardRules): boolean {
  const [, name] = AUTHORITY.exec(host) ?? [];
  if (name === undefined) return false;
  if (LOOPBACK_NAMES.includes(name) || hosts.includes(host) || hosts.includes(name)) return true;
  const address = name.replace(/^\[|\]$/g, '');
  return loopback ? isLoopback(address) : isIP(address) !== 0;
}

/** Of itself only the listener's own origin is allowed: another port of this machine is another program's. */
function isAllowedOrigin(origin: string, { origins, port }: GuardRules): boolean {
  const given = origin.toLowerCase();
  return origins.includes(given) || LOOPBACK_NAMES.some((name) => given === `http://${name}:${port}`);
}

function bringsToken(rawHeaders: readonly string[], token: string | undefined): boolean {
  if (token === undefined) return true;
  const [, given] = /^bearer +([^\s]+)$/i.exec(valuesOf(rawHeaders, 'authorization')[0] ?? '') ?? [];
  // Digests have one length, and comparing them takes one time, whatever was sent.
  return timingSafeEqual(digest(given ?? ''), digest(token)) && given !== undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
