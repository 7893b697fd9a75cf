/** The connections to one origin: made, through a proxy where one is to be used, and kept for the next request; as many at once as there are requests. */
import { request } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { faultOf, faultOfAnswer, UpstreamFault } from './fault.ts';
import { addressOf, type HttpProxy } from './proxies.ts';

export interface Connection {
  readonly socket: Socket;
  /** Bytes are awaited: of an answer that is not whole. */
  awaits: () => boolean;
  /** It can be used again for so long, ms. */
  free(keptFor: number): void;
}

export interface Pool {
  /** One that takes a request now; rejects with `UpstreamFault`, of which nothing was sent. */
  take(signal: AbortSignal): Connection | Promise<Connection>;
  /** Drops idle connections; those in use end with their requests. */
  close(): void;
}

interface Idle {
  readonly connection: Connection;
  /** Monotonic ms. */
  readonly since: number;
  readonly until: number;
}

/** INVARIANT I11: how many are kept that nobody uses. */
const MAX_IDLE = 256;
/** After so long without use the server may have closed one, which is asked of the system before it is used, ms. */
const RESTED = 100;
/** They are looked through this often, ms. */
const SWEEP = 1_000;
/** A connection may take so long to be made, ms. Nothing was sent before. */
const PATIENCE = 30_000;
/** After so long without a byte the system asks whether the other end is still there, ms. */
const KEEP_ALIVE = 30_000;
const MAX_PROXY_HEAD = 16 * 1024;

/** Opens the pool for the origin of `url`. */
export function openPool(url: URL, proxy: HttpProxy | undefined): Pool {
  let idle: Idle[] = [];
  let isClosed = false;
  let sweeping: NodeJS.Timeout | undefined;
  const sweep = () => {
    sweeping = undefined;
    const now = performance.now();
    for (const { connection } of idle.filter(({ until }) => until <= now)) connection.socket.destroy();
    idle = idle.filter(({ until }) => until > now);
    schedule();
  };
  const schedule = () => {
    if (idle.length > 0) sweeping ??= setTimeout(sweep, SWEEP).unref();
  };
  const adopt = (socket: Socket): Connection => {
    const connection: Connection = {
      socket,
      awaits: NOTHING,
      free(keptFor) {
        connection.awaits = NOTHING;
        if (isClosed || idle.length >= MAX_IDLE) return void socket.destroy();
        const since = performance.now();
        idle.push({ connection, since, until: since + keptFor });
        schedule();
      },
    };
    // SECURITY: what comes when no answer is awaited is never the next one: such a connection is not used again.
    socket.on('data', () => {
      if (!connection.awaits()) socket.destroy();
    });
    socket.on('error', () => {
      // What had come, and waited because nobody read, is read before the runtime hears of the error, too.
      for (let left = socket.read(); left !== null && connection.awaits(); left = socket.read()) socket.emit('data', left);
    });
    socket.on('close', () => {
      idle = idle.filter((one) => one.connection !== connection);
    });
    return connection;
  };
  const take = (signal: AbortSignal): Connection | Promise<Connection> => {
    // The one that was used last is the last that its server gives up.
    for (let last = idle.pop(); last; last = idle.pop()) {
      const now = performance.now();
      if (last.until <= now || !isUsable(last.connection)) last.connection.socket.destroy();
      else return now - last.since < RESTED ? last.connection : look(last.connection, signal);
    }
    return dial(url, proxy, signal).then(adopt);
  };
  /** Lets a close that came a while ago be seen. INVARIANT I9: of a request that is written there nobody knows the end. */
  const look = async (connection: Connection, signal: AbortSignal): Promise<Connection> => {
    // The first turn ends the one that is under way; the second hears what has come.
    await turn();
    await turn();
    return isUsable(connection) ? connection : take(signal);
  };
  return {
    take,
    close() {
      isClosed = true;
      clearTimeout(sweeping);
      for (const { connection } of idle.splice(0)) connection.socket.destroy();
    },
  };
}

const NOTHING = () => false;

function isUsable({ socket }: Connection): boolean {
  return socket.writable && !socket.readableEnded && !socket.destroyed;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Opens a connection, ready to be written to: with TLS where the scheme says so, checked as the platform does by default. Rejects with `UpstreamFault`: nothing was sent. */
async function dial(url: URL, proxy: HttpProxy | undefined, signal: AbortSignal): Promise<Socket> {
  if (!proxy) return ready(open(url), url, signal);
  const socket = await ready(open(proxy.url), proxy.url, signal).catch((fault: UpstreamFault) => {
    throw fault.code === 'aborted' ? fault : proxyFault(proxy, fault.message, fault);
  });
  if (url.protocol === 'http:') return socket;
  await askProxy(socket, url, proxy, signal);
  return ready(secure(url, socket), url, signal).finally(() => signal.aborted && socket.destroy());
}

function open(url: URL): Socket {
  return url.protocol === 'https:' ? secure(url) : connect(addressOf(url));
}

/** An address has no name that TLS could ask for; it is checked against the certificate all the same. */
function secure(url: URL, socket?: Socket): Socket {
  const { host, port } = addressOf(url);
  return connectSecurely({
    host,
    port,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 && { servername: host }),
    ...(socket && { socket }),
  });
}

function ready(socket: Socket, { protocol }: URL, signal: AbortSignal): Promise<Socket> {
  return waitFor(socket, signal, (done) => {
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE);
      done(undefined);
    });
  });
}

/** Asks the proxy for a way to the server, which then is spoken to as if there were none between. */
function askProxy(socket: Socket, url: URL, proxy: HttpProxy, signal: AbortSignal): Promise<Socket> {
  const { host, port } = addressOf(url);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return waitFor(socket, signal, (done) => {
    const headers = { host: authority, ...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }) };
    const options = {
      method: 'CONNECT',
      path: authority,
      headers,
      setHost: false,
      insecureHTTPParser: false,
      maxHeaderSize: MAX_PROXY_HEAD,
    };
    const asking = request({ ...options, createConnection: () => socket });
    asking.on('error', (error) => done(proxyFault(proxy, faultOfAnswer(error, false).message, error)));
    asking.once('connect', ({ statusCode = 0 }, _, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) done(proxyFault(proxy, `refuses (${statusCode})${HINTS[statusCode] ?? ''}`));
      // SECURITY: the server says nothing before it is spoken to, so what comes with the answer is not the server's.
      else if (head.length > 0) done(proxyFault(proxy, 'sends more than its answer'));
      else done(undefined);
    });
    asking.end();
  });
}

/** Waits until `begin` calls back, for so long as anybody waits; without a fault the socket is handed on. */
function waitFor(socket: Socket, signal: AbortSignal, begin: (done: (fault: UpstreamFault | undefined) => void) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const done = (fault: UpstreamFault | undefined) => {
      clearTimeout(late);
      signal.removeEventListener('abort', giveUp);
      if (!fault) return resolve(socket);
      socket.destroy();
      reject(fault);
    };
    const giveUp = () => done(new UpstreamFault('aborted', 'was given up', false));
    const late = setTimeout(() => done(faultOf(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }), false)), PATIENCE);
    signal.addEventListener('abort', giveUp);
    // The listeners stay: what befalls a connection later is reported by its end.
    socket.on('error', (error) => done(faultOf(error, false)));
    socket.once('close', () => done(new UpstreamFault('unreachable', 'closed the connection before it was made', false)));
    begin(done);
  });
}

const HINTS: Readonly<Record<number, string>> = { 407: ': it wants a name and a password, which stand before its host in the variable' };

/** SECURITY: of the proxy its host is named, and not what stands before it. */
function proxyFault({ name, url }: HttpProxy, why: string, cause?: unknown): UpstreamFault {
  return new UpstreamFault('unreachable', `cannot be reached: the proxy ${url.host} (${name}) ${why}`, false, cause);
}
