/** Addresses of state servers (scale.md §1): `redis://`, `rediss://`, `redis+sentinel://`, `redis+unix://`. */
import { StoreError } from '../../core/store.ts';
import type { RedisEndpoint, TlsFiles } from './link.ts';

type Place = Omit<RedisEndpoint, 'username' | 'password' | 'database' | 'tls'>;

/** Where a server is to be found. */
export interface Address {
  /** For messages: without a password. */
  readonly shown: string;
  /** The servers, or those that know which one it is. */
  readonly places: readonly Place[];
  /** The name by which Sentinels know the primary; undefined for a server at a fixed place. */
  readonly primary: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly isTls: boolean;
}

const FORMS = 'write redis://host:6379/0, rediss://… (TLS), redis+sentinel://host1:26379,host2:26379/name, or redis+unix:///path';
const SCHEME = /^(rediss?)(?:\+(sentinel|unix|cluster))?:\/\//;

/** Reads an address, whose variables are filled in already. Throws `StoreError` with what to write. */
export function parseAddress(text: string): Address {
  const [whole = '', plain, kind] = SCHEME.exec(text) ?? [];
  if (whole === '') throw wrong(/^postgres/.test(text) ? 'Postgres is no store yet' : `"${schemeOf(text)}" is no state server's address`);
  if (kind === 'cluster') throw wrong('a Cluster is no store yet; a primary with replicas and Sentinels is');
  const [login, rest] = splitLogin(text.slice(whole.length));
  const isTls = plain === 'rediss';
  const common = { ...login, isTls };
  if (kind === 'unix') return { ...common, ...unixPlace(rest), shown: `${whole}${rest}`, primary: undefined };
  const [hosts = '', ...path] = rest.split('/');
  const places = hosts.split(',').map((host) => placeOf(host, kind === 'sentinel' ? 26_379 : 6_379));
  if (kind !== 'sentinel' && places.length > 1) throw wrong('several hosts are named, and they are no Sentinels');
  const primary = kind === 'sentinel' ? path.shift() : undefined;
  if (kind === 'sentinel' && !primary) throw wrong('the name of the primary is missing behind the Sentinels');
  return { ...common, places, primary, database: databaseOf(path.join('/')), shown: `${whole}${rest}` };
}

function wrong(why: string): StoreError {
  return new StoreError(`--state-dsn: ${why}; ${FORMS}`);
}

/** A password may stand in what is no address: only what lies before the colon is shown. */
function schemeOf(text: string): string {
  return text.slice(0, Math.max(0, text.indexOf(':'))).slice(0, 40);
}

function splitLogin(text: string): readonly [Pick<Address, 'username' | 'password'>, string] {
  const at = text.lastIndexOf('@');
  if (at < 0) return [{ username: undefined, password: undefined }, text];
  const [user = '', ...password] = text.slice(0, at).split(':');
  return [
    { username: user === '' ? undefined : decode(user), password: password.length === 0 ? undefined : decode(password.join(':')) },
    text.slice(at + 1),
  ];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong('a "%" in user or password begins no escape: write it as %25');
  }
}

/** A password without its "@" looks like a host: neither is shown. */
function placeOf(text: string, usual: number): Place {
  const [, host = '', port] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (host === '' || Number(port ?? usual) > 65_535) throw wrong('one of its hosts is no name or number, with or without a port');
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? usual) };
}

function unixPlace(rest: string): Pick<Address, 'places' | 'database'> {
  const [path = '', query = ''] = rest.split('?');
  if (!path.startsWith('/')) throw wrong('a socket is named by its whole path: redis+unix:///path');
  return { places: [{ host: 'localhost', port: 0, path }], database: databaseOf(query.replace(/^db=/, '')) };
}

function databaseOf(text: string): number {
  if (!/^\d{0,5}$/.test(text)) throw wrong('behind the last "/" stands no number of a database');
  return Number(text);
}

export function endpointOf(address: Address, place: Place, tls: TlsFiles): RedisEndpoint {
  const { username, password, database, isTls } = address;
  return { ...place, username, password, database, tls: isTls ? tls : undefined };
}
