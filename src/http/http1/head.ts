/** The head of an answer, read strictly (RFC 9112 §4 to §6): what two readers could read differently is a fault. */
import { UpstreamFault } from '../fault.ts';
import type { AnswerHeaders } from '../headers.ts';

export type Framing =
  | { readonly kind: 'none' }
  /** Bytes. */
  | { readonly kind: 'counted'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until_close' };

export interface AnswerHead {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Each `Set-Cookie` by itself: a comma may stand in one. */
  readonly setCookies: readonly string[];
  readonly framing: Framing;
  /** How long the connection may be kept for another request, ms; 0 where it ends with this one. */
  readonly keptFor: number;
}

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
const MAX_FIELDS = 256;
/** SECURITY: of two values each reader takes another. */
const SINGLE: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'content-type', 'content-encoding', 'location', 'mcp-session-id'],
]);
const NONE: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };
const UNTIL_CLOSE: Framing = { kind: 'until_close' };
/** Digits that a number holds exactly. */
const LENGTH = /^\d{1,15}$/;
/** How long an idle connection is kept, ms: where the server does not say, a little less than the 5 s after which many servers close theirs. */
const KEPT = 4_000;
const MAX_KEPT = 60_000;
/** The answer has a way to go, ms. */
const MARGIN = 1_000;

/** A fault of what the server sent, of which it acted on. */
export function broken(what: string): UpstreamFault {
  return new UpstreamFault('broken', `answers with ${what}`, true);
}

/** A fault of a text that cannot be read. */
export function unreadable(text: string, what: string): UpstreamFault {
  return broken(text.includes('\n') ? 'a line that LF alone ends' : what);
}

/** Parses a head, without the empty line at its end. Throws `UpstreamFault`. */
export function parseHead(text: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, digits] = STATUS_LINE.exec(first) ?? [];
  if (digits === undefined) throw unreadable(first, `something else than HTTP/1.1, ${quote(first)}`);
  const status = Number(digits);
  if (status < 100) throw broken(`the status ${digits}, which HTTP does not have`);
  if (status === 101) throw broken('another protocol, unasked (101)');
  const setCookies: string[] = [];
  const headers = parseFields(lines, setCookies);
  const framing = framingOf(status, headers, minor === '1');
  const isLast = framing === UNTIL_CLOSE || (framing === NONE && announcesBody(headers));
  return { status, headers, setCookies, framing, keptFor: isLast ? 0 : keptFor(headers, minor === '1') };
}

/** Parses header lines, or trailers; adds what sets a cookie to `setCookies`. Throws `UpstreamFault`. */
export function parseFields(lines: readonly string[], setCookies: string[]): AnswerHeaders {
  if (lines.length > MAX_FIELDS) throw broken(`more than ${MAX_FIELDS} headers`);
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    // A line that begins with a space went on with the one before, once: NAME does not have it.
    if (!NAME.test(name) || UNFIT.test(line)) throw unreadable(line, `a header that cannot be read, ${quote(line)}`);
    const value = withoutSpace(line, colon + 1);
    if (name === 'set-cookie') {
      setCookies.push(value);
      continue;
    }
    const before = headers[name];
    if (before !== undefined && before !== value && SINGLE.has(name)) throw broken(`two values of the header ${quote(name)}`);
    headers[name] = before === undefined || SINGLE.has(name) ? value : `${before}, ${value}`;
  }
  return headers;
}

function withoutSpace(line: string, from: number): string {
  let [start, end] = [from, line.length];
  while (isSpace(line.charCodeAt(start))) start++;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

/** SPEC: RFC 9112 §6.3. SECURITY: both a length and chunks, or a coding that is not known, end where each reader thinks. */
function framingOf(status: number, headers: AnswerHeaders, isNew: boolean): Framing {
  const coding = headers['transfer-encoding'];
  const length = headers['content-length'];
  if (coding !== undefined && length !== undefined) throw broken('both a length and a transfer coding');
  if (length !== undefined && !LENGTH.test(length)) throw broken(`a length that is none, ${quote(length)}`);
  if (coding !== undefined && (!isNew || coding.toLowerCase() !== 'chunked'))
    throw broken(`a transfer coding that was not asked for, ${quote(coding)}`);
  if (status < 200 || status === 204 || status === 304) return NONE;
  if (coding !== undefined) return CHUNKED;
  return length === undefined ? UNTIL_CLOSE : { kind: 'counted', length: Number(length) };
}

/** SECURITY: a server that thinks so may send one, and its bytes would be taken for the next answer. */
function announcesBody(headers: AnswerHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function keptFor(headers: AnswerHeaders, isNew: boolean): number {
  const options = headers.connection?.toLowerCase().split(',') ?? [];
  const has = (option: string) => options.some((text) => text.trim() === option);
  if (has('close') || (!isNew && !has('keep-alive'))) return 0;
  const [, seconds] = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(headers['keep-alive'] ?? '') ?? [];
  return seconds === undefined ? KEPT : Math.max(0, Math.min(Number(seconds) * 1_000 - MARGIN, MAX_KEPT));
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
