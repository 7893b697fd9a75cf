/** A connection that is lost, made anew once for all requests that find it so: the client's `initialize` is sent again. */
import { randomUUID } from 'node:crypto';
import type { UpstreamAnswer } from '../../http/client.ts';
import { UpstreamFault } from '../../http/fault.ts';
import { createCookieJar } from '../../http/headers.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import { kindOf, type Peeked, peek, type Received, readBody, readEvents, withoutBom } from '../upstream/read-answer.ts';
import { failureBy, readRefused, wordsOf } from '../upstream/refused.ts';
import { deliver, isWaiting, type OpenRequest, post, type ServerConnection } from './connection.ts';
import { listen, openChannel } from './streams.ts';

/** The server has so long to answer the handshake, ms. */
const PATIENCE = 30_000;
/** Requests of a lost session have so long to get the server's own answer to that, ms. */
const STRAGGLERS = 2_000;
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
/** Matches the ids and revisions that a header can carry. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;
const VERSION = /^[\w.-]{1,64}$/;

/** Remembers the client's `initialize`, so that a lost session can be opened anew. */
export function rememberInitialize({ message }: OutgoingFrame, connection: ServerConnection): void {
  if (message?.kind !== 'request') return;
  connection.initialize = { before: message.text.slice(0, message.idSpan.start), after: message.text.slice(message.idSpan.end) };
}

/** Takes the session's id from the answer to `initialize`. */
export function noteSession({ headers }: UpstreamAnswer, connection: ServerConnection): void {
  const id = headers['mcp-session-id'];
  connection.session = typeof id === 'string' && SESSION_ID.test(id) ? id : undefined;
}

/** Takes the revision from it. */
export function noteVersion(messages: readonly Received[], connection: ServerConnection): void {
  for (const message of messages) if (message.kind === 'line') takeVersion(peek(message.bytes), connection);
}

function takeVersion(answer: Peeked | undefined, connection: ServerConnection): void {
  const version = answer?.result?.protocolVersion;
  if (typeof version === 'string' && VERSION.test(version)) connection.version = version;
}

/**
 * Opens a new session in the place of `lost`; answers whether there is one now. What waits in one that is `certainly` lost
 * gets an error; where that is only likely, what was begun goes on.
 */
export function renewSession(lost: string, connection: ServerConnection, loss: 'certainly' | 'likely'): Promise<boolean> {
  if (connection.session !== lost) return connection.renewing ?? Promise.resolve(connection.session !== undefined);
  if (!connection.initialize) return Promise.resolve(false);
  connection.ports.log.warn('the server lost the session: a new one is opened, without the subscriptions of the old one');
  connection.session = undefined;
  connection.isLost = true;
  connection.listening?.abort();
  if (loss === 'certainly') abandon(lost, connection);
  return renew(connection, () => initializeAnew(connection));
}

/** Resolves when a connection that is being made anew is there; one that could not be made is tried once more. Rejects with `UpstreamFault` where there is none. */
export async function ready(connection: ServerConnection): Promise<void> {
  if (connection.renewing) await connection.renewing;
  else if (connection.isLost) await renew(connection, () => initializeAnew(connection));
  if (connection.isLost) throw new UpstreamFault('unreachable', `lost the session, and there is no new one: ${connection.trouble}`, false);
}

/** Opens a new stream in the place of one that ended (HTTP+SSE). `isInitialize`: the client sends `initialize` itself. */
export function renewChannel(connection: ServerConnection, isInitialize: boolean): Promise<boolean> {
  return renew(connection, async () => {
    connection.cookies = createCookieJar();
    await openChannel(connection);
    if (!isInitialize && connection.initialize) await sendInitialize(connection);
  });
}

/** Keeps the stream for the server's own messages open, unless one stream brings everything (HTTP+SSE). */
export async function keepListening(connection: ServerConnection): Promise<void> {
  if (connection.transport === 'streamable') await listen(connection, (session, loss) => void renewSession(session, connection, loss));
}

/** SECURITY: a server that points to another origin is not asked in any other way; all that wait get an error. */
function renew(connection: ServerConnection, work: () => Promise<void>): Promise<boolean> {
  connection.renewing ??= work()
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof UpstreamFault && error.code === 'foreign_origin') throw error;
        connection.trouble = failureBy(error).why;
        connection.ports.log.warn(`no connection: ${connection.trouble}`);
        return false;
      },
    )
    .finally(() => {
      connection.renewing = undefined;
    });
  return connection.renewing;
}

/** Ends the requests with a stream in the lost session; those without an answer will soon get the same refusal, or never any. */
function abandon(lost: string, connection: ServerConnection): void {
  const isLost = ({ session, ids }: OpenRequest) => session === lost && isWaiting(ids, connection);
  const end = (request: OpenRequest) => {
    connection.ports.fail(request.ids, { outcome: 'kept', why: 'the server lost the session before it answered' });
    request.giveUp.abort();
  };
  for (const request of connection.open.values()) if (isLost(request) && request.isStreaming) end(request);
  const late = () => [...connection.open.values()].filter(isLost).forEach(end);
  setTimeout(late, STRAGGLERS).unref();
}

/** A cookie that led to a node which lost the session, or is gone, would lead there again. */
function initializeAnew(connection: ServerConnection): Promise<void> {
  connection.cookies = createCookieJar();
  return sendInitialize(connection);
}

async function sendInitialize(connection: ServerConnection): Promise<void> {
  const { initialize } = connection;
  const id = `intercept-${randomUUID()}`;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE);
  const signal = AbortSignal.any([connection.over.signal, late.signal]);
  const answered = Promise.withResolvers<Peeked>();
  answered.promise.catch(() => undefined);
  signal.addEventListener('abort', () => answered.reject(unanswered()));
  connection.version = undefined;
  connection.expected = { id, take: answered.resolve };
  try {
    const answer = await post({ bytes: `${initialize?.before}"${id}"${initialize?.after}` }, connection, signal);
    if (answer.status > 299) throw await refusedInitialize(answer, connection);
    if (connection.transport !== 'sse') noteSession(answer, connection);
    void readOut(answer, connection).then(() => connection.transport !== 'sse' && answered.reject(unanswered()));
    const initialized = await answered.promise;
    if (!initialized.result) throw new UpstreamFault('unreachable', 'refused "initialize"', false);
    takeVersion(initialized, connection);
    (await post({ bytes: INITIALIZED }, connection, signal)).discard();
    connection.isLost = false;
    await keepListening(connection);
  } catch (error) {
    if (connection.isLost) connection.session = undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    connection.expected = undefined;
  }
}

function unanswered(): UpstreamFault {
  return new UpstreamFault('unreachable', 'did not answer "initialize"', false);
}

async function refusedInitialize(answer: UpstreamAnswer, { ports }: ServerConnection): Promise<UpstreamFault> {
  const refused = await readRefused(answer, ports.maxMessage);
  if (refused.status === 401) ports.unauthorized(refused.headers['www-authenticate']);
  return new UpstreamFault('unreachable', `refused "initialize" with HTTP status ${refused.status}${wordsOf(refused, ports.mask)}`, false);
}

async function readOut(answer: UpstreamAnswer, connection: ServerConnection): Promise<void> {
  const kind = kindOf(answer);
  const take = (messages: readonly Received[]) => deliver(messages, connection);
  try {
    if (kind === 'events') return await readEvents(answer, connection.ports, take, { lastId: undefined, retry: undefined });
    const bytes = await readBody(answer, connection.ports.maxMessage);
    if (bytes && kind === 'json') await take([{ kind: 'line', bytes: withoutBom(bytes) }]);
  } catch (error) {
    connection.ports.log.debug(failureBy(error).why);
  }
}
