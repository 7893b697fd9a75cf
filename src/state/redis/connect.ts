/** Finds the primary, connects to it and looks at whether it may hold a store (scale.md §1, §8). */
import { StoreError } from '../../core/store.ts';
import { type Address, endpointOf } from './address.ts';
import { KEYS } from './keys.ts';
import { checked, type Link, openLink, type TlsFiles } from './link.ts';
import type { Connected } from './server.ts';

export interface ConnectOptions {
  /** Asked anew for each connection: passwords are rotated. */
  readonly address: () => Address;
  readonly tls: TlsFiles;
  /** `user:password` of the Sentinels themselves. */
  readonly sentinelLogin?: string | undefined;
  /** Told once of each thing that a human should know. */
  readonly warn?: ((text: string) => void) | undefined;
  /** True where approvals or claims are kept: they may not go with a restart of the server. */
  readonly mustLast?: boolean | undefined;
}

/** The facts that `INFO` gives of a server, as far as they matter here. */
export interface ServerFacts {
  readonly run: string;
  readonly version: string;
  readonly software: 'redis' | 'valkey';
  readonly role: string;
  readonly replicas: number;
  readonly hasAof: boolean;
  readonly hasRdb: boolean;
  readonly maxmemory: number;
  readonly eviction: string;
  readonly usedMemory: number;
}

/** Connects within `timeoutMs`. Rejects with `StoreError`. */
export function createConnector(options: ConnectOptions): (timeoutMs: number) => Promise<Connected> {
  const warned = new Set<string>();
  return async (timeoutMs) => {
    const address = options.address();
    const link = await openPrimary(address, options, timeoutMs);
    try {
      const facts = await readFacts(link, timeoutMs);
      checkFacts(facts, address);
      if (options.mustLast && !facts.hasAof && facts.replicas === 0) throw unlasting(address);
      for (const warning of warningsOf(facts, address)) {
        if (warned.has(warning)) continue;
        warned.add(warning);
        options.warn?.(warning);
      }
      const half = address.primary === undefined ? facts.replicas : Math.max(1, Math.ceil(facts.replicas / 2));
      return { link, run: facts.run, replicas: half };
    } catch (error) {
      link.close();
      throw error;
    }
  };
}

async function openPrimary(address: Address, options: ConnectOptions, timeoutMs: number): Promise<Link> {
  const [place] = address.places;
  if (address.primary === undefined && place) return openLink(endpointOf(address, place, options.tls), timeoutMs);
  const found = await askSentinels(address, options, timeoutMs);
  return openLink(endpointOf(address, found, options.tls), timeoutMs);
}

/** Two Sentinels have to name the same primary, or the only one. */
async function askSentinels(
  address: Address,
  { tls, sentinelLogin }: ConnectOptions,
  timeoutMs: number,
): Promise<{ host: string; port: number }> {
  const [username, password] = sentinelLogin?.split(/:(.*)/s) ?? [];
  const said = await Promise.all(
    address.places.map(async (place) => {
      try {
        const link = await openLink(
          { ...endpointOf(address, place, tls), username: username || undefined, password, database: 0 },
          timeoutMs,
        );
        const [reply] = await link.send([['SENTINEL', 'get-master-addr-by-name', address.primary ?? '']], timeoutMs).finally(link.close);
        return Array.isArray(reply) ? `${reply[0]} ${reply[1]}` : undefined;
      } catch {
        return undefined;
      }
    }),
  );
  const needed = Math.min(2, address.places.length);
  const agreed = said.find((one) => one !== undefined && said.filter((other) => other === one).length >= needed);
  if (agreed === undefined)
    throw new StoreError(
      `${needed} of the ${address.places.length} Sentinels do not name one primary "${address.primary}"; is the name right, and do they run?`,
    );
  const [host = '', port] = agreed.split(' ');
  return { host, port: Number(port) };
}

/** Asks the server what it is. Rejects with `StoreError`. */
export async function readFacts(link: Link, timeoutMs: number): Promise<ServerFacts> {
  const sections = ['server', 'memory', 'persistence', 'replication'].map((section) => ['INFO', section]);
  const replies = await link.send(sections, timeoutMs);
  const info = replies.map(checked).join('\n');
  const of = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const valkey = of('valkey_version');
  return {
    run: of('run_id') ?? '',
    version: valkey ?? of('redis_version') ?? '',
    software: valkey === undefined ? 'redis' : 'valkey',
    role: of('role') ?? '',
    replicas: Number(of('connected_slaves') ?? 0),
    hasAof: of('aof_enabled') === '1',
    hasRdb: Number(of('rdb_last_save_time') ?? 0) > 0 && of('rdb_saves') !== '0',
    maxmemory: Number(of('maxmemory') ?? 0),
    eviction: of('maxmemory_policy') ?? 'noeviction',
    usedMemory: Number(of('used_memory') ?? 0),
  };
}

const OLDEST = [6, 2];

/** Throws where this server may not hold limits, with the line to type at it. */
function checkFacts({ version, software, role, maxmemory, eviction, run }: ServerFacts, { shown }: Address): void {
  const refuse = (why: string, help: string) => new StoreError(`the state server ${shown} ${why}; ${help}`);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = software === 'redis' && (major < (OLDEST[0] ?? 0) || (major === OLDEST[0] && minor < (OLDEST[1] ?? 0)));
  if (isOld) throw refuse(`is version ${version}`, 'at least Redis 6.2 or Valkey 7.2 is needed');
  if (role !== 'master') throw refuse('is a replica', 'name the primary, or Sentinels that know it: redis+sentinel://…');
  if (run === '') throw refuse('does not say which process it is', 'it cannot be told whether it lost writes');
  if (maxmemory > 0 && eviction !== 'noeviction')
    throw refuse(
      `forgets keys when its memory is full (maxmemory-policy ${eviction})`,
      'type "CONFIG SET maxmemory-policy noeviction" at it',
    );
}

function warningsOf({ hasAof, replicas }: ServerFacts, { shown, password, places }: Address): readonly string[] {
  const isFar = places.some(({ host, path }) => path === undefined && !LOCAL.test(host));
  return [
    ...(hasAof || replicas > 0
      ? []
      : [
          `the state server ${shown} keeps nothing when it ends (no AOF, no replica): a restart fences the store; type "CONFIG SET appendonly yes" at it`,
        ]),
    ...(password === undefined && isFar
      ? [`the state server ${shown} asks for no password: whoever reaches it can raise limits and approve`]
      : []),
  ];
}

/** SPEC: scale.md §1: I5 and I6 could not survive the server's restart. */
function unlasting({ shown }: Address): StoreError {
  return new StoreError(
    `the state server ${shown} keeps nothing when it ends (no AOF, no replica), and the policy has approvals or idempotency; type "CONFIG SET appendonly yes" at it`,
  );
}

/** Tells whether a store is there. Rejects with `StoreError`. */
export async function isStoreAt(options: ConnectOptions, timeoutMs: number): Promise<boolean> {
  const { link } = await createConnector(options)(timeoutMs);
  try {
    const [reply] = await link.send([['HEXISTS', KEYS.head, 'schema']], timeoutMs);
    return reply === 1;
  } finally {
    link.close();
  }
}

const LOCAL = /^(?:localhost|127\.|::1$)/;
