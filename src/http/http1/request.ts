/** A request as it goes on the wire (RFC 9112 §3). SECURITY: what a header holds can end neither its line nor the head. */
import { UpstreamFault } from '../fault.ts';

export type HeaderFields = Readonly<Record<string, string>>;

/** What goes with every request to one origin. */
export interface RequestBase extends Target {
  readonly url: URL;
  /** Replace those of a request. Names in lower case. */
  readonly headers: HeaderFields;
  /** What stands before the host in the configured URL. SECURITY: and in no other, which the server may have named. */
  readonly authorization: string | undefined;
}

/** A URL as a request names it. */
interface Target {
  readonly host: string;
  readonly path: string;
}

export interface Asked {
  readonly method: string;
  /** Of the origin of the base. */
  readonly url: URL;
  readonly headers: HeaderFields;
  readonly body: Uint8Array | string | undefined;
}

/** Head and body; a large body is a write of its own, so that it is not copied. */
export type Writes = readonly [Uint8Array] | readonly [Uint8Array, Uint8Array | string];

const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
/** SECURITY: they frame the message or belong to the connection, and are written here alone. */
const OURS: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);
/** Bytes of a body that are copied behind the head. */
const SMALL = 64 * 1024;

/** Renders a request. Throws `UpstreamFault`, unsent, where a header cannot be written. */
export function renderRequest({ method, url, headers: given, body }: Asked, base: RequestBase): Writes {
  const target = url === base.url ? base : targetOf(url);
  const headers = inLowerCase(given);
  const own = base.headers;
  const has = (name: string) => Object.hasOwn(own, name) || Object.hasOwn(headers, name);
  let head = `${method} ${target.path} HTTP/1.1\r\n`;
  if (!has('host')) head += `host: ${target.host}\r\n`;
  // Some servers, and what stands before them, refuse who has no name.
  if (!has('user-agent')) head += 'user-agent: intercept\r\n';
  if (!has('accept-encoding')) head += 'accept-encoding: identity\r\n';
  if (base.authorization !== undefined && !has('authorization')) head += renderField('authorization', base.authorization);
  for (const name in headers) if (!Object.hasOwn(own, name)) head += renderField(name, headers[name] as string);
  for (const name in own) head += renderField(name, own[name] as string);
  const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  if (body !== undefined || method === 'POST') head += `content-length: ${length}\r\n`;
  return join(`${head}connection: keep-alive\r\n\r\n`, body, length);
}

/** The base of a client: its URL, and the headers that go with every request. */
export function openBase(url: URL, headers: HeaderFields): RequestBase {
  return { url, headers, authorization: credentialsIn(url), ...targetOf(url) };
}

function targetOf(url: URL): Target {
  return { host: url.host, path: `${url.pathname}${url.search}` };
}

/** SECURITY: one name, however it is written, is one header. */
function inLowerCase(headers: HeaderFields): HeaderFields {
  for (const name in headers)
    if (name !== name.toLowerCase()) return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
  return headers;
}

function renderField(name: string, value: string): string {
  if (OURS.has(name)) return '';
  if (NAME.test(name) && !UNFIT.test(value)) return `${name}: ${value}\r\n`;
  // SECURITY: the value may be a secret, and is not said.
  throw new UpstreamFault('unreachable', `was not asked: the header ${JSON.stringify(name)} cannot be written`, false);
}

function credentialsIn({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${bytesIn(username)}:${bytesIn(password)}`, 'latin1').toString('base64')}`;
}

/** As the parser of URLs reads it: a "%" that begins nothing stands for itself. */
function bytesIn(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function join(head: string, body: Asked['body'], length: number): Writes {
  if (body === undefined) return [Buffer.from(head, 'latin1')];
  if (length > SMALL) return [Buffer.from(head, 'latin1'), body];
  const whole = Buffer.allocUnsafe(head.length + length);
  whole.write(head, 'latin1');
  if (typeof body === 'string') whole.write(body, head.length);
  else whole.set(body, head.length);
  return [whole];
}
