/**
 * A POST on its way through the listener (wire.md §1, §5): judged, sent on with its own bytes, and answered with what comes back,
 * whole or as events.
 */

import type { UpstreamAnswer } from '../../http/client.ts';
import { ofSender, speaksOfPayment, toClient, toUpstream, valuesOf } from '../../http/headers.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { FrameBytes } from '../../mcp/messages/frame.ts';
import { keptId, type RequestId } from '../../mcp/messages/id.ts';
import { credentialsOf, mayAskForPayment, readDemand, withoutDemand } from '../../mcp/payments/http-payment.ts';
import type { Exchange, OutgoingFrame } from '../../proxy/exchange.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import { atOnceOrInTurns } from '../../proxy/turns.ts';
import { offersEndpoint } from '../upstream/probe-endpoint.ts';
import { type AnswerKind, adopt, kindOf, peek, readBody, withoutBom } from '../upstream/read-answer.ts';
import { failureBy, failureOf, isOldAnswer, lossOf, type Refused, refusedBy, wordsOf } from '../upstream/refused.ts';
import { accepts, idOf, JSON_TYPE, modernStatusOf, PATIENCE, type PostedRequest, statusOf } from './front.ts';
import type { Post, Relay, RelaySession } from './relay-session.ts';
import { headersOf, relayEvents } from './relay-streams.ts';

const ACCEPT = 'application/json, text/event-stream';
/** A client may take so long to resume a stream that ended before its answer, ms. */
const RESUMPTION = 5 * 60_000;
/** A server that may ask for authorization has so long to send its head, ms: less than proxies before us wait. */
const CHALLENGE_PATIENCE = 25_000;
const NO_ANSWER: Failure = { outcome: 'kept', why: 'the server ended its answer before it was whole' };
const BAD_GATEWAY = 502;
const PAYMENT_REQUIRED = 402;

/**
 * Serves one POST. Resolves when it is answered, and its requests are settled or wait for a stream that is resumed; with
 * `old` where the server has to be spoken to in another way: then nothing was answered.
 */
export async function servePost(posted: PostedRequest, relay: RelaySession, opens: boolean, way: Relay): Promise<'served' | 'old'> {
  const post = openPost(posted, relay, opens, way);
  const { request, bytes, frame, exchange, over } = post;
  const { session } = relay;
  relay.posts.set(exchange, post);
  relay.headers = post.headers;
  request.reply.onGone(() => {
    session.left(exchange);
    // Of a session that has no name yet the client will never hear.
    if (opens && relay.resumable && relay.id === undefined) post.abort.abort();
    finish(post);
  });
  try {
    session.fromAgent([{ kind: 'line', bytes, frame }], exchange);
    // A message that asks for nothing may be dropped without a trace.
    if (post.sending === 0 && session.waitingOn(exchange) === 0) await Promise.race([over.promise, session.agentTaken()]);
    if (post.sending > 0 || session.waitingOn(exchange) > 0) await over.promise;
  } finally {
    relay.posts.delete(exchange);
    if (post.stream) post.stream.end();
    else if (!post.isOld) request.reply.send(202, {});
  }
  return post.isOld ? 'old' : 'served';
}

function openPost({ request, agent, bytes, frame }: PostedRequest, relay: RelaySession, opens: boolean, way: Relay): Post {
  const headers = toUpstream(request.rawHeaders, way.rules);
  headers.accept ??= ACCEPT;
  // SECURITY: a message of the modern era belongs to no session, and was not asked whose the one is that it names (wire.md §2.7).
  if (!relay.resumable) {
    delete headers['mcp-session-id'];
    delete headers['last-event-id'];
  }
  return {
    ...{ request, agent, bytes, frame, relay, headers, opens },
    exchange: exchangeOf(agent.ports.newId(), request.rawHeaders),
    abort: new AbortController(),
    listens: frame.kind === 'request' && frame.method === 'subscriptions/listen',
    // SECURITY: what refuses one client's headers or size, once it took another's, does not speak otherwise to all of them from then on.
    mayBeOld: opens && !way.isNew && relay.id === undefined,
    since: agent.ports.monotonic(),
    over: Promise.withResolvers(),
    ...{ stream: undefined, sending: 0, awaitsResumption: false, isOld: false, failed: undefined },
  };
}

/** SPEC: policy.md §8 — payments of HTTP stand in headers; a policy that limits none does not look at them. */
function exchangeOf(id: string, rawHeaders: readonly string[]): Exchange {
  return { id, credentials: () => credentialsOf((name) => valuesOf(rawHeaders, name)) };
}

/** Ends the POST where nothing is under way for it, and nothing of it waits. */
function finish(post: Post): void {
  if (post.sending === 0 && (post.awaitsResumption || post.relay.session.waitingOn(post.exchange) === 0)) post.over.resolve();
}

/**
 * Opens the stream of a POST whose client has waited long enough for an answer. Monotonic ms. A server that has taken nothing of
 * this client yet may answer with a head that says where to get a token, which a stream would hide.
 */
export function keepOpen(post: Post, now: number, { rules }: Relay): void {
  const { request, relay, exchange } = post;
  const mayChallenge = rules.authorization && post.sending > 0 && !post.agent.isAccepted;
  if (now - post.since < (mayChallenge ? CHALLENGE_PATIENCE : PATIENCE) || request.reply.started || relay.session.waitingOn(exchange) === 0)
    return;
  // The server's own head names the session, or the outcome of a payment: an early one of ours would take its place.
  if (!post.opens && !speaksOfPayment(post.headers)) openStream(post);
}

/** Opens the stream of a POST, unless its client takes none. */
function openStream(post: Post): void {
  const { request } = post;
  if (accepts(request.rawHeaders, 'text/event-stream')) post.stream ??= request.reply.stream(200, {});
}

/** Takes what the proxy answers itself: a denial, a refusal, an error for what will have no answer. */
export function answerPost(frames: readonly FrameBytes[], code: number | undefined, post: Post): void {
  const { request, relay, exchange, failed, sending, abort } = post;
  for (const frame of frames) {
    // Messages before the answer (progress of a call that is kept open, a page to show) need a stream.
    if (relay.session.waitingOn(exchange) > 0) openStream(post);
    if (post.stream) post.stream.write(renderMessage(frame));
    else if (relay.session.waitingOn(exchange) === 0) {
      // 2026-07-28: the status goes by the error.
      const status = relay.resumable ? statusOf(code) : modernStatusOf(frame, post.frame, code);
      request.reply.send(failed?.status ?? status, { ...failed?.headers, ...JSON_TYPE }, frame, idOf(post));
    }
  }
  // Nobody waits any longer for what the server is still asked.
  if (sending > 0 && relay.session.waitingOn(exchange) === 0) abort.abort();
  finish(post);
}

/** Sends what may go on of a POST, and passes back what the server answers. Never rejects. */
export async function forward(frame: OutgoingFrame, post: Post, way: Relay): Promise<void> {
  const { ids = frame.id ? [frame.id] : [] } = frame;
  post.sending += 1;
  try {
    // An answer to the server's own request waits for nothing.
    if (frame.kind !== 'response' && post.relay.opening) await post.relay.opening;
    await send(frame.bytes, ids, post, way).catch((fault: unknown) => fail(ids, failureBy(fault), post));
  } catch (error) {
    post.agent.ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
    post.request.reply.refuse(500, 'internal fault');
  } finally {
    post.sending -= 1;
    finish(post);
  }
}

async function send(bytes: FrameBytes, ids: readonly RequestId[], post: Post, way: Relay): Promise<void> {
  const { headers, relay, abort } = post;
  const received = await way.client.send({ method: 'POST', headers, body: bytes, cookies: relay.cookies, signal: abort.signal });
  const kind = kindOf(received);
  const refusal = noteAnswer(received, kind, post, way);
  if (refusal !== undefined) {
    received.discard();
    await fail(ids, { outcome: 'kept', why: refusal }, post);
  } else if (kind === 'events' && received.status < 300) await relayStream(received, ids, post, way);
  else await relayBody(received, kind, ids, post, way);
}

/** Takes from the server's answer how it names the session; answers with why nothing of it must be passed on. */
function noteAnswer({ status, headers }: UpstreamAnswer, kind: AnswerKind, { relay, frame, opens }: Post, way: Relay): string | undefined {
  if (status < 300) {
    relay.agent.isAccepted = true;
    if (frame.kind === 'request' && !opens) relay.worked = true;
    if (kind !== 'other') way.isNew = true;
  }
  const id = headers['mcp-session-id'];
  if (id === undefined || relay.id !== undefined || !relay.resumable) return undefined;
  if (!way.sessions.add(id, relay)) return 'the server gave a session id that is in use';
  relay.id = id;
  way.unnamed.delete(relay);
  return undefined;
}

/** Ends what the server did not answer: its requests are settled, and answered once. */
async function fail(
  ids: readonly RequestId[],
  failure: Failure,
  post: Post,
  status = BAD_GATEWAY,
  headers: Record<string, string> = {},
): Promise<void> {
  const { reply } = post.request;
  post.failed = { status, headers };
  await post.relay.session.upstreamFailed(ids, { ...failure, answered: reply.started && !post.stream });
  if (ids.length === 0) reply.refuse(status, failure.why, { headers });
}

async function relayBody(received: UpstreamAnswer, kind: AnswerKind, ids: readonly RequestId[], post: Post, way: Relay): Promise<void> {
  const { relay, request, exchange } = post;
  const { status } = received;
  const body = await readBody(received, way.maxMessage);
  await way.turns.next();
  if (body === undefined) return fail(ids, { outcome: 'kept', why: 'the server sent an answer larger than allowed (--max-message)' }, post);
  if (status > 299) return relayRefusal(received, body, ids, post, way);
  const headers = rewritten(headersOf(received, relay.session), post, status, way);
  const isPassed = await passMessage(kind, status, body, headers, ids, post);
  if (!isPassed && relay.session.waitingOn(exchange) === 0) request.reply.send(status, withoutType(headers));
  // Where the answer answered everything, nobody is left to hear of a failure.
  if (ids.length === 0 || ids.some(relay.session.waitsFor)) await fail(ids, NO_ANSWER, post);
}

/** Passes on the message in a body; answers whether there was one that may go on. */
async function passMessage(
  kind: AnswerKind,
  status: number,
  body: Uint8Array,
  headers: Record<string, string>,
  ids: readonly RequestId[],
  post: Post,
): Promise<boolean> {
  // A client may read a body that begins like JSON as such, whatever its type says.
  const isMessage = body.length > 0 && (kind === 'json' || /^[\s\uFEFF]*[[{]/.test(Buffer.from(body.subarray(0, 64)).toString()));
  const [frame] = isMessage ? await post.relay.session.relay({ kind: 'line', bytes: adopt(withoutBom(body), ids) }) : [];
  if (frame === undefined) return false;
  if (post.stream) post.stream.write(renderMessage(frame));
  else post.request.reply.send(status, { ...headers, ...JSON_TYPE }, frame, idOf(post));
  return true;
}

/** Lets what challenges the client lead to the proxy. */
function rewritten(headers: Record<string, string>, { request }: Post, status: number, way: Relay): Record<string, string> {
  return status === 401 || headers['www-authenticate'] !== undefined ? way.rewrite(headers, request, status) : headers;
}

function withoutType({ 'content-type': _, ...headers }: Record<string, string>): Record<string, string> {
  return headers;
}

async function relayRefusal(received: UpstreamAnswer, whole: Uint8Array, ids: readonly RequestId[], post: Post, way: Relay): Promise<void> {
  const { relay, request } = post;
  const { status } = received;
  const refused = refusedBy(received, whole);
  const failure = failureOf(
    status,
    wordsOf(refused, (text) => way.mask(text, post.headers.authorization)),
  );
  noteLoss(refused, relay, way);
  const payable = await payableOf(received, whole, ids, post);
  // A request whose payment is denied is answered by now, and no part of the offer goes on.
  if (!payable) return;
  const { body, isPlain } = payable;
  const headers = rewritten(payable.headers, post, status, way);
  if (post.mayBeOld && (await speaksOnlySse(status, body, post, way))) {
    post.isOld = true;
    await relay.session.upstreamFailed(ids, { ...failureOf(status), answered: true });
    return;
  }
  if (!isPlain) await passMessage(kindOf(received), status, body, headers, ids, post);
  else if (!post.stream) request.reply.send(status, { ...headers, ...JSON_TYPE }, body, idOf(post));
  // A status below may not have a body, and a request needs its answer.
  await fail(ids, failure, post, status < 400 ? BAD_GATEWAY : status, withoutType(headers));
}

/**
 * SPEC: wire.md §5 — a session that the server lost is none of ours either: a client that names it next gets a 404, and opens
 * another. The credential of a client is its own matter: its refusal says nothing of the session.
 */
function noteLoss(refused: Refused, relay: RelaySession, { sessions, rules }: Relay): void {
  const isItsOwn = refused.status === 401 && rules.authorization;
  const loss = lossOf(refused, relay.worked && !isItsOwn);
  if (relay.id === undefined || !loss) return;
  sessions.remove(relay.id, relay);
  relay.gone = loss;
}

/** The part of a refusal that may be passed on. `isPlain`: the body asks for a payment, and is no message. */
interface Payable {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  readonly isPlain: boolean;
}

/** Judges what a refusal asks to be paid (policy.md §8); undefined where nothing is left that may be paid: then its requests are answered. */
async function payableOf(
  received: UpstreamAnswer,
  body: Uint8Array,
  ids: readonly RequestId[],
  { relay: { session } }: Post,
): Promise<Payable | undefined> {
  const { status } = received;
  const headers = toClient(received.headers);
  // Wallets look at a 402; some servers ask with another refusal, for instance where a payment was not enough.
  const mayAsk = status === PAYMENT_REQUIRED || (status >= 400 && status < 500 && status !== 408 && mayAskForPayment(headers));
  if (!mayAsk) return { headers: headersOf(received, session), body, isPlain: false };
  const asking = { headers, body: Buffer.from(body).toString() };
  const demand = await atOnceOrInTurns(readDemand(asking));
  const cut = await session.judgeHttp(ids, demand.kind === 'unreadable' ? demand.kind : demand.offers, status === PAYMENT_REQUIRED);
  if (cut === 'answered') return undefined;
  if (demand.kind === 'unreadable') return { headers: cut === 'all' ? withoutDemand(headers) : headers, body, isPlain: false };
  const isPlain = demand.isPlain && status === PAYMENT_REQUIRED;
  const gone = cut === 'all' ? new Set(demand.offers.keys()) : cut;
  if (gone.size === 0) return { headers, body, isPlain };
  const left = demand.without(gone);
  return { headers: { ...left.headers }, body: left.body === asking.body ? body : Buffer.from(left.body), isPlain };
}

/** SPEC: transports, backwards compatibility — a refusal alone says nothing: the stream has to name an endpoint. */
async function speaksOnlySse(status: number, body: Uint8Array, { headers, abort }: Post, way: Relay): Promise<boolean> {
  if (!isOldAnswer(status) || peek(body)?.jsonrpc === '2.0') return false;
  return offersEndpoint(way.client, ofSender(headers), abort.signal);
}

async function relayStream(received: UpstreamAnswer, ids: readonly RequestId[], post: Post, way: Relay): Promise<void> {
  const { relay, request, exchange, abort } = post;
  const { session, agent } = relay;
  post.stream ??= request.reply.stream(received.status, rewritten(headersOf(received, session), post, received.status, way));
  const { stream } = post;
  const { resumable, fault } = await relayEvents(received, session, stream, way.maxMessage, agent.events?.note);
  if (session.waitingOn(exchange) === 0) return;
  if (!resumable || !relay.resumable || abort.signal.aborted) return fail(ids, fault === undefined ? NO_ANSWER : failureBy(fault), post);
  post.awaitsResumption = true;
  // A client sees from the broken connection that something is missing, as it would without us.
  if (fault !== undefined) stream.abort();
  relay.unresumed.add({ ids: ids.map(keptId), until: agent.ports.monotonic() + RESUMPTION });
}
