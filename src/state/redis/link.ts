/**
 * One connection to a server as a pipe (scale.md §8): commands go out together in one write, replies come back in order.
 * No command is ever sent twice; what is under way when the connection ends is rejected.
 */
import { createClient, ErrorReply } from '@redis/client';
import { StoreError } from '../../core/store.ts';

export type RedisReply = string | number | null | readonly RedisReply[];

/** The server answered with an error. Nothing of this command ran, unless it is a script's own. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

/** The reply, where it is no error. Throws `StoreError` otherwise. */
export function checked(reply: RedisReply | ServerError | undefined): RedisReply {
  if (!(reply instanceof ServerError)) return reply ?? null;
  const help = reply.message.startsWith('NOPERM') ? '; the ACL of this user is in docs/scale.md' : '';
  throw new StoreError(`the state server answered: ${reply.message}${help}`, { cause: reply });
}

export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
  /** A Unix socket, in place of host and port. */
  readonly path?: string | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly database: number;
}

/** PEM texts. The server's name is always checked. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface Link {
  /**
   * Sends commands and answers with their replies, errors of single ones among them. Rejects with `StoreError` where the
   * connection ends, or not everything has been answered within `deadlineMs`; then the connection is closed, and nobody
   * knows what ran.
   */
  send(commands: readonly (readonly string[])[], deadlineMs: number): Promise<readonly (RedisReply | ServerError)[]>;
  readonly isOpen: boolean;
  close(): void;
}

/** Why there is no connection, in words. */
const WHY: ReadonlyMap<unknown, string> = new Map([
  ['ECONNREFUSED', 'it refuses connections: is it running, and is this its port?'],
  ['ENOENT', 'there is no such socket: is it running?'],
  ['ENOTFOUND', 'its name was not found: check the address'],
  ['EAI_AGAIN', 'its name cannot be looked up: the name service does not answer'],
  ['EHOSTUNREACH', 'there is no way to it from here'],
  ['ENETUNREACH', 'there is no network'],
  ['ECONNRESET', 'it broke the connection: does it want TLS (rediss://)?'],
]);

/** Connects, within `timeoutMs`. Rejects with `StoreError`. */
export async function openLink(endpoint: RedisEndpoint, timeoutMs: number): Promise<Link> {
  const client = createClient({
    socket: socketOf(endpoint, timeoutMs),
    ...(endpoint.username === undefined ? {} : { username: endpoint.username }),
    ...(endpoint.password === undefined ? {} : { password: endpoint.password }),
    database: endpoint.database,
    RESP: 2,
    disableOfflineQueue: true,
    // Redis 7.0 knows no such command for an ACL to allow.
    disableClientInfo: true,
    maintNotifications: 'disabled',
  });
  // An event without a listener would end the process; what is under way is rejected by itself.
  client.on('error', () => {});
  const destroy = () => {
    if (client.isOpen) client.destroy();
  };
  await within(client.connect(), timeoutMs, 'it did not answer').catch((error) => {
    destroy();
    throw lost(`cannot reach the state server: ${messageOf(error)}`, error);
  });
  return {
    get isOpen() {
      return client.isReady;
    },
    async send(commands, deadlineMs) {
      const replies = commands.map((command) =>
        client.sendCommand<RedisReply>([...command]).catch((error: Error) => {
          if (isServerError(error)) return new ServerError(error.message);
          throw error;
        }),
      );
      return within(Promise.all(replies), deadlineMs, `it did not answer within ${deadlineMs} ms`).catch((error) => {
        destroy();
        for (const reply of replies) reply.catch(() => {});
        throw lost(`the state server does not answer: ${messageOf(error)}`, error);
      });
    },
    close: destroy,
  };
}

function socketOf({ host, port, path, tls }: RedisEndpoint, connectTimeout: number) {
  const common = { connectTimeout, reconnectStrategy: false as const, noDelay: true };
  if (path !== undefined) return { ...common, path, tls: false as const };
  if (!tls) return { ...common, host, port };
  return { ...common, host, port, tls: true as const, servername: host, ...tls };
}

/** Errors that the server wrote begin with a word in capitals; the client's own have names of their own. */
function isServerError(error: Error): boolean {
  return error instanceof ErrorReply || /^[A-Z]{3,} /.test(error.message);
}

function messageOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? WHY.get(error.code) : undefined;
  return code ?? (error instanceof Error ? error.message : String(error));
}

function lost(why: string, cause: unknown): StoreError {
  return new StoreError(why, { cause });
}

/** A timer that is this much late, ms, was kept from running. */
const STOPPED = 5_000;

async function within<T>(work: Promise<T>, ms: number, why: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const start = performance.now();
  const timer = setTimeout(() => late.reject(new Error(why)), ms);
  try {
    const result = await Promise.race([work, late.promise]);
    // A process that was stopped reads what came meanwhile before its timers run: that is as late.
    if (performance.now() - start > ms + STOPPED) throw new Error(why);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
