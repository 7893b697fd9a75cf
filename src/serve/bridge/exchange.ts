/** One frame on its way to the server, and what comes back on its POST. INVARIANT I9: each request gets an answer or an error. */
import type { UpstreamAnswer } from '../../http/client.ts';
import { UpstreamFault } from '../../http/fault.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import {
  adopt,
  kindOf,
  type Peeked,
  type Place,
  peek,
  type Received,
  readBody,
  readEvents,
  withIdOf,
  withoutBom,
} from '../upstream/read-answer.ts';
import { failureBy, failureOf, isOldAnswer, lossOf, type Refused, readRefused, refusedBy, wordsOf } from '../upstream/refused.ts';
import {
  deliver,
  isWaiting,
  methodOf,
  type OpenRequest,
  passNonMessage,
  post,
  type ServerConnection,
  type SseChannel,
} from './connection.ts';
import { keepListening, noteSession, noteVersion, ready, rememberInitialize, renewChannel, renewSession } from './renew.ts';
import { resume } from './streams.ts';

/** The server's error for headers that do not fit its schemas: nothing was executed (wire.md §2.10). */
const HEADER_MISMATCH = -32020;
/** The server has so long to take a notification, ms. */
const NOTIFY = 60_000;

/** Callbacks while a request is under way. */
interface Progress {
  /** All of it is with the operating system. */
  readonly left: () => void;
  /** Nobody waits for it any more, though its stream may go on. */
  readonly settled: () => void;
}

/** Sends a request, or a batch with some, and deals with all that comes back. Never rejects. */
export async function sendRequest(frame: OutgoingFrame, connection: ServerConnection, { left, settled }: Progress): Promise<void> {
  const ids = frame.ids ?? (frame.id ? [frame.id] : []);
  const key = ids[0]?.key ?? '';
  // While it waited for its turn it was given up, or took too long: it is answered already.
  if (ids.length > 0 && !isWaiting(ids, connection)) return;
  if (methodOf(frame) === 'initialize') rememberInitialize(frame, connection);
  const request: OpenRequest = { ids, giveUp: new AbortController(), session: connection.session, isStreaming: false, settled };
  connection.open.set(key, request);
  try {
    await converse(frame, request, connection, left);
  } catch (error) {
    // The end of the bridge answers those that wait, and says why.
    if (connection.over.signal.aborted) return;
    const failure = failureBy(error);
    connection.ports.fail(ids, failure);
  } finally {
    if (connection.open.get(key) === request) connection.open.delete(key);
  }
}

/** Sends a request until the server dealt with it: again only where it certainly did nothing. */
async function converse(frame: OutgoingFrame, request: OpenRequest, connection: ServerConnection, onSent: () => void): Promise<void> {
  const signal = AbortSignal.any([request.giveUp.signal, connection.over.signal]);
  const isInitialize = methodOf(frame) === 'initialize';
  for (let isAgain = false; ; isAgain = true) {
    if (!isInitialize && (connection.renewing || connection.isLost)) await ready(connection);
    if (connection.reopening) await connection.reopening;
    const isCut = connection.transport === 'sse' && !connection.channel;
    if (isCut && !(await renewChannel(connection, isInitialize))) throw new UpstreamFault('unreachable', 'cannot be reached again', false);
    request.session = connection.session;
    const { channel } = connection;
    const answer = await post(frame, connection, signal, onSent);
    if (answer.status < 300) {
      if (!isInitialize) connection.worked = request.session;
      return channel ? awaitElsewhere(answer, channel, request, connection) : takeAnswer(answer, frame, request, connection);
    }
    const next = await takeRefusal(answer, frame, request, connection, isAgain);
    if (next === 'done') return;
    if (request.giveUp.signal.aborted) return;
  }
}

/** HTTP+SSE: the answer comes on the one stream. One that ended meanwhile will not bring it. */
function awaitElsewhere(answer: UpstreamAnswer, channel: SseChannel, { ids }: OpenRequest, connection: ServerConnection): void {
  answer.discard();
  if (connection.channel !== channel) throw new UpstreamFault('broken', 'ended its event stream', true);
  for (const id of ids) connection.elsewhere.set(id.key, id);
}

/** Takes what came with a success. */
async function takeAnswer(answer: UpstreamAnswer, frame: OutgoingFrame, request: OpenRequest, connection: ServerConnection): Promise<void> {
  const { ports } = connection;
  const { ids } = request;
  connection.transport = 'streamable';
  request.isStreaming = true;
  const isInitialize = methodOf(frame) === 'initialize';
  if (isInitialize) {
    noteSession(answer, connection);
    connection.isLost = false;
  }
  const take = async (messages: readonly Received[]) => {
    if (isInitialize) noteVersion(messages, connection);
    await deliver(messages, connection);
    if (!isWaiting(ids, connection)) request.settled();
  };
  const kind = kindOf(answer);
  const isElsewhere = kind === 'other' && connection.listening !== undefined;
  let refused: Refused | undefined;
  let body: Uint8Array | undefined;
  if (kind === 'events') await readStream(answer, take, frame, request, connection);
  else if (kind === 'json') body = await takeBody(answer, take, ids, ports.maxMessage);
  else if (isElsewhere) answer.discard();
  else refused = await readRefused(answer, ports.maxMessage);
  if (!isWaiting(ids, connection)) return;
  if (isElsewhere) {
    for (const id of ids) connection.elsewhere.set(id.key, id);
    return;
  }
  if (body) refused = refusedBy(answer, body);
  ports.fail(ids, {
    outcome: 'kept',
    why: `the server answered with HTTP status ${answer.status}, and with no message that could be read${refused ? wordsOf(refused, ports.mask) : ''}`,
  });
}

/** Reads the stream of a POST, and goes on with another where it broke before the answer. */
async function readStream(
  answer: UpstreamAnswer,
  take: (messages: readonly Received[]) => void | Promise<void>,
  frame: OutgoingFrame,
  { ids, giveUp }: OpenRequest,
  connection: ServerConnection,
): Promise<void> {
  const place: Place = { lastId: undefined, retry: undefined };
  const fault = await readEvents(answer, connection.ports, take, place, (event) => passNonMessage(event, connection)).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isWaiting(ids, connection)) return;
  if (place.lastId === undefined || frame.modern || giveUp.signal.aborted)
    throw fault ?? new UpstreamFault('broken', 'ended the stream before it answered', true);
  await resume(ids, place, connection, giveUp.signal);
}

/** Answers with the body, where it is no larger than a message may be. */
async function takeBody(
  answer: UpstreamAnswer,
  take: (messages: readonly Received[]) => void | Promise<void>,
  ids: readonly RequestId[],
  maxMessage: number,
): Promise<Uint8Array | undefined> {
  const bytes = await readBody(answer, maxMessage);
  const [id] = ids;
  if (bytes) await take([{ kind: 'line', bytes: adopt(withoutBom(bytes), ids) }]);
  else await take([{ kind: 'too_long', length: maxMessage, sender: { id, isRequest: false } }]);
  return bytes;
}

/** Deals with a status that is no success; `again` where the same request is to be sent once more. */
async function takeRefusal(
  answer: UpstreamAnswer,
  frame: OutgoingFrame,
  request: OpenRequest,
  connection: ServerConnection,
  isAgain: boolean,
): Promise<'done' | 'again'> {
  const { ports } = connection;
  const { ids, session } = request;
  // It is no longer one of those that wait in a session which may turn out to be lost.
  request.session = undefined;
  const refused = await readRefused(answer, ports.maxMessage);
  const { status, json } = refused;
  const peeked = json && peek(json);
  if (status === 401) ports.unauthorized(answer.headers['www-authenticate']);
  if (!isAgain && (await isMended(status, peeked, frame, session, connection))) return 'again';
  const failure = failureOf(status, wordsOf(refused, ports.mask));
  const [id] = ids;
  const adopted = id && withIdOf(id, peeked);
  if (adopted) await ports.receive([adopted]);
  else if (json && peeked?.jsonrpc === '2.0') await ports.receive([{ kind: 'line', bytes: json }]);
  ports.fail(ids, failure);
  // Unless the status is the one for it, that is no certain sign that nothing was done: the request is not sent again, but those to come shall find a session.
  const loss = session === undefined || frame.modern ? undefined : lossOf(refused, session === connection.worked);
  if (session !== undefined && loss === 'likely') void renewSession(session, connection, loss);
  return 'done';
}

/** Removes the cause of a refusal, and answers whether it could: nothing was executed, so the request may be sent again. */
async function isMended(
  status: number,
  peeked: Peeked | undefined,
  frame: OutgoingFrame,
  session: string | undefined,
  connection: ServerConnection,
): Promise<boolean> {
  if (status === 400 && frame.modern && peeked?.error?.code === HEADER_MISMATCH) {
    await connection.ports.relearnTools();
    return true;
  }
  if (status === 404 && session !== undefined && !frame.modern) return renewSession(session, connection, 'certainly');
  if (connection.transport !== undefined || peeked?.jsonrpc === '2.0' || !isOldAnswer(status)) return false;
  return renewChannel(connection, true);
}

/** Sends a notification, or an answer to the server. Never rejects. */
export async function sendOther(frame: OutgoingFrame, connection: ServerConnection, onSent: () => void): Promise<void> {
  const { ports } = connection;
  // SPEC: wire.md §5 — in the modern era the end of the stream is what cancels a request.
  if (frame.modern && frame.cancels) return connection.open.get(frame.cancels.key)?.giveUp.abort();
  try {
    if (connection.renewing || connection.isLost) await ready(connection);
  } catch (error) {
    return ports.log.warn(`a message was not sent: ${failureBy(error).why}`);
  }
  // A stream that ended took along whatever this is about.
  if (connection.transport === 'sse' && !connection.channel) return;
  const { session } = connection;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), NOTIFY);
  try {
    const sending = post(frame, connection, AbortSignal.any([connection.over.signal, late.signal]), onSent);
    const answer = await sending.finally(() => clearTimeout(timer));
    if (answer.status > 299) await warnOfRefusal(answer, session, connection);
    else answer.discard();
    if (answer.status < 300 && methodOf(frame) === 'notifications/initialized') await keepListening(connection);
  } catch (error) {
    if (!connection.over.signal.aborted) ports.log.warn(`a message was not taken: ${failureBy(error).why}`);
  }
}

/** Warns that a message was refused. It is not sent again; where the session was lost, a new one is opened for later ones. */
async function warnOfRefusal(answer: UpstreamAnswer, session: string | undefined, connection: ServerConnection): Promise<void> {
  const { ports } = connection;
  const refused = await readRefused(answer, ports.maxMessage);
  ports.log.warn(`a message was not taken: ${failureOf(refused.status, wordsOf(refused, ports.mask)).why}`);
  const loss = session === undefined ? undefined : lossOf(refused, session === connection.worked);
  if (session !== undefined && loss) void renewSession(session, connection, loss);
}
