/** One try of a webhook: its signature, the POST, and when it is tried again. */
import { createHmac } from 'node:crypto';
import { renderWait } from '../core/window.ts';

/** ms. */
const PATIENCE = 10_000;
/** A server may ask us to wait so long at most, ms. */
const LONGEST_WISH = 3_600_000;

export type Posted =
  | { readonly kind: 'taken' }
  /** `final`: the server does not want it ever. `wish`: how long it asks us to wait, ms. */
  | { readonly kind: 'failed'; readonly why: string; readonly final: boolean; readonly wish: number | undefined };

/** Sends it. SECURITY: redirects are not followed, and no reason that is given holds the URL. */
export async function postWebhook(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  ended: AbortSignal,
): Promise<Posted> {
  const late = new AbortController();
  // Node before 22.16 forgets the timer of an `AbortSignal.timeout` on which only another signal depends.
  const timer = setTimeout(() => late.abort(new DOMException('no answer', 'TimeoutError')), PATIENCE);
  const signal = AbortSignal.any([ended, late.signal]);
  try {
    const { target, authorization } = withoutPassword(url);
    const response = await fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'intercept', ...authorization, ...headers },
      body,
      redirect: 'manual',
      signal,
    });
    // What it says is not read: it could be endless.
    void response.body?.cancel().catch(() => undefined);
    return postedOf(response);
  } catch (error) {
    return { kind: 'failed', why: whyOf(error), final: false, wish: undefined };
  } finally {
    clearTimeout(timer);
  }
}

/** `https://hooks.example.com`, for logs: path, query and password of a webhook are often its secret. */
export function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '(no URL)';
}

function postedOf({ status, headers }: Response): Posted {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const why = status >= 300 && status < 400 ? `status ${status}, a redirect, which is not followed` : `status ${status}`;
  return { kind: 'failed', why, final: status === 410, wish: wishOf(headers.get('retry-after')) };
}

function wishOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Math.min(Number(header) * 1000, LONGEST_WISH) : undefined;
}

function withoutPassword(url: string): { readonly target: string; readonly authorization: Readonly<Record<string, string>> } {
  const target = new URL(url);
  const { username, password } = target;
  if (username === '' && password === '') return { target: url, authorization: {} };
  target.username = '';
  target.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { target: target.href, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it could not be sent';
  if (error.name === 'TimeoutError') return `no answer within ${renderWait(PATIENCE)}`;
  if (error.name === 'AbortError') return 'the proxy ended';
  const { code } = error as NodeJS.ErrnoException;
  const { code: cause } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const known = cause ?? code;
  return known === undefined ? 'no connection' : `no connection (${known})`;
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PREFIX = 'whsec_';

/** The key that a secret stands for: base64 behind `whsec_`, else the text's own bytes. Undefined where it is no secret. */
export function keyOf(secret: string): Uint8Array | undefined {
  if (!secret.startsWith(PREFIX)) return secret === '' ? undefined : Buffer.from(secret, 'utf8');
  const text = secret.slice(PREFIX.length);
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** The headers of one try; `now` in epoch ms. Without a key there is no signature. */
export function webhookHeaders(id: string, now: number, body: string, key: Uint8Array | undefined): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (!key) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

const FIRST = 5_000;
const FACTOR = 3;
const LONGEST = 2 * 3_600_000;
const DAY = 86_400_000;
/** The part of a delay that chance decides, so that many records do not come at once. */
const JITTER = 0.4;

export interface Try {
  /** This one included. */
  readonly tries: number;
  /** When the event happened. */
  readonly at: number;
  readonly now: number;
  /** The server asked to wait so long. */
  readonly wish: number | undefined;
  /** 0 to 1. */
  readonly chance: number;
}

/** Epoch ms of the next try; undefined: given up. */
export function nextTry({ tries, at, now, wish, chance }: Try): number | undefined {
  const regular = Math.min(FIRST * FACTOR ** (tries - 1), LONGEST) * (1 - JITTER / 2 + JITTER * chance);
  const next = now + Math.max(regular, wish ?? 0);
  return next - at > DAY ? undefined : Math.round(next);
}
