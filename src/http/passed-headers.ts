/** Which headers pass through the listener (wire.md §5): those that are named here, and no others. */

import { withoutPayments } from './credentials.ts';
import type { AnswerHeaders } from './http1/head.ts';

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

/** Whether a client pays by these headers, or says that it can. */
export function speaksOfPayment(headers: Readonly<Record<string, string>>): boolean {
  const { authorization = '' } = headers;
  return withoutPayments(authorization) !== authorization || Object.keys(headers).some((name) => PAYS.test(name));
}

/** What belongs to one message or one session. */
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
