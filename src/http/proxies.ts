/** Finds the proxy that leads to a server (wire.md §5): `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as the environment has them. */
import { BlockList, isIP } from 'node:net';
import { UsageError } from '../core/fault.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface HttpProxy {
  /** The variable that names it. */
  readonly name: string;
  /** Without the credentials that may stand in it. */
  readonly url: URL;
  /** SECURITY: a secret of the proxy's. */
  readonly authorization: string | undefined;
}

const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/;

/** True where an address is this machine's own and reachable from nowhere else. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address);
}

/** The host of a URL as sockets take it, and the port that its scheme stands for where it has none. */
export function addressOf({ hostname, port, protocol }: URL): { readonly host: string; readonly port: number } {
  const standard = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? standard : Number(port) };
}

/** The proxy for this server; undefined where it is connected to directly. Throws `UsageError` where the variable names none. */
export function proxyFor(url: URL, env: Environment): HttpProxy | undefined {
  const names = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const name = names.find((candidate) => env[candidate]);
  if (name === undefined || isDirect(url, env)) return undefined;
  const text = env[name] as string;
  const proxy = URL.parse(text.includes('://') ? text : `http://${text}`);
  // SECURITY: the value may hold a password, and is not shown.
  if (!proxy || !/^https?:$/.test(proxy.protocol))
    throw new UsageError(`${name} does not name an HTTP proxy`, `write ${name}=http://proxy.example:3128, or unset it`);
  const authorization = basicOf(proxy);
  proxy.username = proxy.password = '';
  return { name, url: proxy, authorization };
}

/** A warning where `ALL_PROXY` alone asks for a way to this server that is not taken. */
export function unusedProxy(url: URL, env: Environment): string | undefined {
  const name = ['all_proxy', 'ALL_PROXY'].find((candidate) => env[candidate]);
  if (name === undefined || isDirect(url, env) || proxyFor(url, env)) return undefined;
  return `${name} is set, and is not used: ${url.hostname} is connected to directly; ${url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'} names a proxy that is`;
}

/** True where `NO_PROXY` excludes this server; the own machine is never reached through a proxy. */
function isDirect(url: URL, env: Environment): boolean {
  const { host, port } = addressOf(url);
  const entries = (env.no_proxy ?? env.NO_PROXY ?? '').toLowerCase().split(/[\s,]+/);
  return isLoopback(host) || entries.some((entry) => entry !== '' && excludes(entry, host, port));
}

/** An entry is `*`, a name that stands for itself and what ends with it, an address or a network, each but the last with a port or without. */
function excludes(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isWithin(entry, host);
  const [, bracketed, plain = entry, given] = /^(?:\[(.+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  if (given !== undefined && Number(given) !== port) return false;
  const name = (bracketed ?? plain).replace(/^\*?\./, '');
  return host === name || (isIP(host) === 0 && name !== '' && host.endsWith(`.${name}`));
}

function isWithin(network: string, host: string): boolean {
  const [address = '', bits] = network.split('/', 2);
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family) return false;
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  const size = Number(bits);
  if (!/^\d{1,3}$/.test(bits ?? '') || size > (family === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(address, size, kind);
  return list.check(host, kind);
}

/** Turns what stands before the host of a URL into the header that it asks for. */
export function basicOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${bytesIn(username)}:${bytesIn(password)}`, 'latin1').toString('base64')}`;
}

/** As the parser of URLs reads it: a "%" that begins nothing stands for itself. */
function bytesIn(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
