/** A request as it goes on the wire (RFC 9112 §3). SECURITY: what a header holds can end neither its line nor the head. */
import { UpstreamFault } from '../fault.ts';

export type HeaderFields = Readonly<Record<string, string>>;

/** What goes with every request to one origin. */
export interface RequestBase {
  readonly url: URL;
  /** Replace those of a request. Names in lower case. */
  readonly headers: HeaderFields;
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
export function renderRequest({ method, url, headers, body }: Asked, base: RequestBase): Writes {
  const fields = new Map<string, string>([['host', url.host]]);
  const authorization = credentialsIn(url);
  if (authorization !== undefined) fields.set('authorization', authorization);
  fields.set('accept-encoding', 'identity');
  for (const name in headers) fields.set(name.toLowerCase(), headers[name] as string);
  for (const name in base.headers) fields.set(name, base.headers[name] as string);
  let head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n`;
  for (const [name, value] of fields) if (!OURS.has(name)) head += renderField(name, value);
  const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  if (body !== undefined || method === 'POST') head += `content-length: ${length}\r\n`;
  return join(`${head}connection: keep-alive\r\n\r\n`, body, length);
}

function renderField(name: string, value: string): string {
  if (NAME.test(name) && !UNFIT.test(value)) return `${name}: ${value}\r\n`;
  // SECURITY: the value may be a secret, and is not said.
  throw new UpstreamFault('unreachable', `was not asked: the header ${JSON.stringify(name)} cannot be written`, false);
}

/** What stands before the host in the configured URL. */
function credentialsIn({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
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
