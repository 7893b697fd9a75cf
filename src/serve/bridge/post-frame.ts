/** One frame on its way to the server, and what comes back on its POST. INVARIANT I9: each request gets an answer or an error. */

import type { UpstreamAnswer } from '../../http/client.ts';
import { UpstreamFault } from '../../http/fault.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { Received } from '../upstream/read-answer.ts';
import { adopt, kindOf, type Peeked, type Place, peek, readBody, readEvents, withIdOf, withoutBom } from '../upstream/read-answer.ts';
import { failureBy, failureOf, isOldAnswer, lossOf, type Refused, readRefused, refusedBy, wordsOf } from '../upstream/refused.ts';
import { type Channel, deliver, isWaiting, type Link, methodOf, type OpenRequest, passAside, post } from './link.ts';
import { resume } from './listen.ts';
import { noteSession, noteVersion, ready, rememberGreeting, renewChannel, renewSession } from './renew.ts';

/** What the server says of headers that do not fit its schemas: nothing was executed (wire.md §2.10). */
const HEADER_MISMATCH = -32020;

/** What is to be known while a request is under way. */
export interface Progress {
  /** All of it is with the operating system. */
  readonly left: () => void;
  /** Nobody waits for it any more, though its stream may go on. */
  readonly settled: () => void;
}

/** Sends a request, or a batch with some, and deals with all that comes back. Never rejects. */
export async function sendRequest(frame: OutgoingFrame, link: Link, { left, settled }: Progress): Promise<void> {
  const ids = frame.ids ?? (frame.id ? [frame.id] : []);
  const key = ids[0]?.key ?? '';
  // While it waited for its turn it was given up, or took too long: it is answered already.
  if (ids.length > 0 && !isWaiting(ids, link)) return;
  if (methodOf(frame) === 'initialize') rememberGreeting(frame, link);
  const request: OpenRequest = { ids, giveUp: new AbortController(), session: link.session, isStreaming: false, settled };
  link.open.set(key, request);
  try {
    await converse(frame, request, link, left);
  } catch (error) {
    // Whoever ended the bridge tells those that wait, and why.
    if (link.over.signal.aborted) return;
    const failure = failureBy(error);
    if (isWaiting(ids, link)) link.ports.log.warn(failure.why);
    link.ports.fail(ids, failure);
  } finally {
    if (link.open.get(key) === request) link.open.delete(key);
  }
}

/** Sends a request until the server dealt with it: again only where it certainly did nothing. */
async function converse(frame: OutgoingFrame, request: OpenRequest, link: Link, onSent: () => void): Promise<void> {
  const signal = AbortSignal.any([request.giveUp.signal, link.over.signal]);
  for (let isAgain = false; ; isAgain = true) {
    if (methodOf(frame) !== 'initialize') await ready(link);
    if (link.reopening) await link.reopening;
    const isCut = link.transport === 'sse' && !link.channel;
    if (isCut && !(await renewChannel(link, methodOf(frame) === 'initialize')))
      throw new UpstreamFault('unreachable', 'cannot be reached again', false);
    request.session = link.session;
    const { channel } = link;
    const answer = await post(frame, link, signal, onSent);
    if (answer.status < 300 && methodOf(frame) !== 'initialize') link.worked = request.session;
    if (answer.status < 300) return channel ? setAdrift(answer, channel, request, link) : takeAnswer(answer, frame, request, link);
    const next = await takeRefusal(answer, frame, request, link, isAgain);
    if (next === 'done') return;
    if (request.giveUp.signal.aborted) return;
  }
}

/** HTTP+SSE: the answer comes on the one stream. One that ended meanwhile will not bring it. */
function setAdrift(answer: UpstreamAnswer, channel: Channel, { ids }: OpenRequest, link: Link): void {
  answer.discard();
  if (link.channel !== channel) throw new UpstreamFault('broken', 'ended its event stream', true);
  for (const id of ids) link.adrift.set(id.key, id);
}

async function takeAnswer(answer: UpstreamAnswer, frame: OutgoingFrame, request: OpenRequest, link: Link): Promise<void> {
  const { ports } = link;
  const { ids } = request;
  link.transport = 'streamable';
  request.isStreaming = true;
  const isGreeting = methodOf(frame) === 'initialize';
  if (isGreeting) {
    noteSession(answer, link);
    link.isLost = false;
  }
  const take = async (messages: readonly Received[]) => {
    if (isGreeting) noteVersion(messages, link);
    await deliver(messages, link);
    if (!isWaiting(ids, link)) request.settled();
  };
  const place: Place = { lastId: undefined, retry: undefined };
  const kind = kindOf(answer);
  const isElsewhere = kind === 'other' && link.listening !== undefined;
  let refused: Refused | undefined;
  if (kind === 'events') await readStream(answer, take, place, frame, request, link);
  else if (kind === 'json') refused = await takeBody(answer, take, ids, ports.maxMessage);
  else if (isElsewhere) answer.discard();
  else refused = await readRefused(answer, ports.maxMessage);
  if (!isWaiting(ids, link)) return;
  if (isElsewhere) for (const id of ids) link.adrift.set(id.key, id);
  else
    ports.fail(ids, {
      outcome: 'kept',
      why: `the server answered with HTTP status ${answer.status}, and with no message that could be read${refused ? wordsOf(refused, ports.mask) : ''}`,
    });
}

async function readStream(
  answer: UpstreamAnswer,
  take: (messages: readonly Received[]) => void | Promise<void>,
  place: Place,
  frame: OutgoingFrame,
  { ids, giveUp }: OpenRequest,
  link: Link,
): Promise<void> {
  const fault = await readEvents(answer, link.ports, take, place, (event) => passAside(event, link)).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isWaiting(ids, link)) return;
  if (place.lastId === undefined || frame.modern || giveUp.signal.aborted)
    throw fault ?? new UpstreamFault('broken', 'ended the stream before it answered', true);
  await resume(ids, place, link, giveUp.signal);
}

async function takeBody(
  answer: UpstreamAnswer,
  take: (messages: readonly Received[]) => void | Promise<void>,
  ids: readonly RequestId[],
  maxMessage: number,
): Promise<Refused | undefined> {
  const bytes = await readBody(answer, maxMessage);
  const [id] = ids;
  if (bytes) await take([{ kind: 'line', bytes: adopt(withoutBom(bytes), ids) }]);
  else await take([{ kind: 'too_long', length: maxMessage, sender: { id, isRequest: false } }]);
  return bytes && refusedBy(answer, bytes);
}

/** Deals with a status that is no success; `again` where the same request is to be sent once more. */
async function takeRefusal(
  answer: UpstreamAnswer,
  frame: OutgoingFrame,
  request: OpenRequest,
  link: Link,
  isAgain: boolean,
): Promise<'done' | 'again'> {
  const { ports } = link;
  const { ids, session } = request;
  // It is no longer one of those that wait in a session which may turn out to be lost.
  request.session = undefined;
  const refused = await readRefused(answer, ports.maxMessage);
  const { status, json } = refused;
  const said = json && peek(json);
  if (status === 401) ports.unauthorized(answer.headers['www-authenticate']);
  if (!isAgain && (await isMended(status, said, frame, session, link))) return 'again';
  const failure = failureOf(status, wordsOf(refused, ports.mask));
  if (isWaiting(ids, link)) ports.log.warn(failure.why);
  const [id] = ids;
  const adopted = id && withIdOf(id, said);
  if (adopted) await ports.receive([adopted]);
  else if (json && said?.jsonrpc === '2.0') await ports.receive([{ kind: 'line', bytes: json }]);
  ports.fail(ids, failure);
  // Unless the status is the one for it, that is no certain sign that nothing was done: the request is not sent again, but those to come shall find a session.
  const loss = session === undefined || frame.modern ? undefined : lossOf(refused, session === link.worked);
  if (session !== undefined && loss === 'likely') void renewSession(session, link, loss);
  return 'done';
}

/** Whether what the server complained of is put right: nothing was executed, so the request may be sent again. */
async function isMended(
  status: number,
  said: Peeked | undefined,
  frame: OutgoingFrame,
  session: string | undefined,
  link: Link,
): Promise<boolean> {
  if (status === 400 && frame.modern && said?.error?.code === HEADER_MISMATCH) {
    await link.ports.relearnTools();
    return true;
  }
  if (status === 404 && session !== undefined && !frame.modern) return renewSession(session, link, 'certainly');
  if (link.transport !== undefined || said?.jsonrpc === '2.0' || !isOldAnswer(status)) return false;
  return renewChannel(link, true);
}
