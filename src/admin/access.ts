/** Checks who may ask the admin server at all: only this machine, only its own pages, only with the token (cli.md §3). */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type AdminAnswer, refuse } from './answer.ts';

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

/**
 * SECURITY: a foreign site can make a browser ask us. Under its own name it would be that name's origin (DNS
 * rebinding), so `Host` has to be a loopback one; from its own origin it says so in `Origin` or `Sec-Fetch-Site`.
 * `navigable`: a page that a link elsewhere may open, since it holds nothing.
 */
export function checkSource({ headers, rawHeaders }: IncomingMessage, navigable: boolean): AdminAnswer | undefined {
  const host = headers.host ?? '';
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1 || !LOOPBACK.test(host))
    return refuse('foreign_host', `the host ${JSON.stringify(host.slice(0, 100))} is not this one; use http://127.0.0.1 and the port`);
  const { origin } = headers;
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return refuse('foreign_origin', `the origin ${JSON.stringify(origin.slice(0, 100))} may not use the admin API`);
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  if (navigable && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document') return undefined;
  return refuse('foreign_origin', 'a page of another site may not use the admin API');
}

/** True where the request bears the token. */
export function bearsToken({ headers }: IncomingMessage, token: string): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  return given !== undefined && sameText(given, token);
}

/** Compares in a time that shows nothing of where the texts differ. */
export function sameText(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
