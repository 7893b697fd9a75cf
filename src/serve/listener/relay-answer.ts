/** What a POST sends on through the listener, and what comes back for it: whole, or as events (wire.md §1, §5). */

import type { UpstreamAnswer } from '../../http/client.ts';
import { ofSender } from '../../http/headers.ts';
import type { EventStream } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { ClientFrame } from '../../mcp/messages/frame.ts';
import { keptId, type RequestId } from '../../mcp/messages/id.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import type { Exchange, OutgoingFrame } from '../../proxy/exchange.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import { offersEndpoint } from '../upstream/probe-endpoint.ts';
import { adopt, kindOf, peek, readBody, withoutBom } from '../upstream/read-answer.ts';
import { failureBy, failureOf, isOldAnswer, type Refused, refusedBy, wordsOf } from '../upstream/refused.ts';
import { headersOf, payableOf } from './payable.ts';
import { relayEvents } from './relay-events.ts';
import type { Relay, RelaySession } from './relay-session.ts';
import { JSON_TYPE } from './status-of.ts';

export interface Posting {
  readonly request: ServedRequest;
  readonly bytes: Uint8Array;
  readonly frame: ClientFrame | Refusal;
  readonly relay: RelaySession;
  readonly way: Relay;
  /** Whether a server that knows nothing of this transport is to be left to the older one (wire.md §1). */
  readonly mayBeOld: boolean;
  /** Called with the server's answer before any of it is passed on; answers with why it must not be. */
  readonly answered: (answer: UpstreamAnswer) => string | undefined;
  /** Called with what it says where it refuses. */
  readonly refused: (refused: Refused) => void;
}

/** A POST that is being served. */
export interface Open extends Posting {
  readonly exchange: Exchange;
  readonly abort: AbortController;
  /** Of the client's, those that the server gets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Resolved when nothing more will come of it. */
  readonly over: PromiseWithResolvers<void>;
  stream: EventStream | undefined;
  /** Requests to the server that are under way. */
  sending: number;
  /** The stream ended before its answer, which the client may ask for on another. */
  adrift: boolean;
  /** The server answered as one of HTTP+SSE does. */
  isOld: boolean;
  /** What an error of the proxy's own goes with, once the server's side failed. */
  failed: { readonly status: number; readonly headers: Record<string, string> } | undefined;
}

/** How long a client may take to resume a stream that ended before its answer, ms. */
const RESUMPTION = 5 * 60_000;
const NO_ANSWER: Failure = { outcome: 'kept', why: 'the server ended its answer before it was whole' };
const BAD_GATEWAY = 502;

/** Sends what may go on of a POST, and passes back what the server answers. */
export async function forward({ kind, bytes, id, ids = id ? [id] : [] }: OutgoingFrame, open: Open): Promise<void> {
  open.sending += 1;
  const { relay, way, abort, request, headers } = open;
  const fail = async (failure: Failure, status = BAD_GATEWAY, passed: Record<string, string> = {}) => {
    open.failed = { status, headers: passed };
    await relay.session.upstreamFailed(ids, { ...failure, answered: request.reply.started && !open.stream });
    if (ids.length === 0) request.reply.refuse(status, failure.why, { headers: passed });
  };
  try {
    // What the server asked for waits for nothing.
    if (kind !== 'response' && relay.opening) await relay.opening;
    const received = await way.client.send({ method: 'POST', headers, body: bytes, cookies: relay.cookies, signal: abort.signal });
    if (received.status < 300) relay.agent.isAccepted = true;
    const refusal = open.answered(received);
    if (refusal !== undefined) {
      received.discard();
      await fail({ outcome: 'kept', why: refusal });
    } else if (kindOf(received) === 'events' && received.status < 300) await relayStream(received, ids, open, fail);
    else await relayBody(received, ids, open, fail);
  } catch (fault) {
    await fail(failureBy(fault));
  }
}

type Fail = (failure: Failure, status?: number, headers?: Record<string, string>) => Promise<void>;

async function relayBody(received: UpstreamAnswer, ids: readonly RequestId[], open: Open, fail: Fail): Promise<void> {
  const { relay, request, way } = open;
  const { status } = received;
  const whole = await readBody(received, way.maxMessage);
  await way.turns.next();
  if (whole === undefined) return fail({ outcome: 'kept', why: 'the server sent an answer larger than allowed (--max-message)' });
  const refused = status > 299 ? refusedBy(received, whole) : undefined;
  const failure = failureOf(status, refused && wordsOf(refused, (text) => way.mask(text, open.headers.authorization)));
  if (refused) {
    relay.agent.ports.log.warn(failure.why);
    open.refused(refused);
  }
  const payable = await payableOf(received, whole, ids, relay.session);
  // What may not be paid is answered by now, and nothing of what was offered goes on.
  if (!payable) return;
  const { body } = payable;
  const headers = way.rewrite(payable.headers, request, status);
  if (open.mayBeOld && (await speaksOnlySse(status, body, open))) {
    open.isOld = true;
    await relay.session.upstreamFailed(ids, { ...failureOf(status), answered: true });
    return;
  }
  const isMessage = !payable.isPlain && body.length > 0 && isJson(received, body);
  const [frame] = isMessage ? await relay.session.relay({ kind: 'line', bytes: adopt(withoutBom(body), ids) }) : [];
  if (frame !== undefined && open.stream) open.stream.write(renderMessage(frame));
  else if (frame !== undefined) request.reply.send(status, { ...headers, ...JSON_TYPE }, frame, idOf(open));
  else if (payable.isPlain && !open.stream) request.reply.send(status, { ...headers, ...JSON_TYPE }, body, idOf(open));
  else if (status < 300 && relay.session.waitingOn(open.exchange) === 0) request.reply.send(status, withoutType(headers));
  // Where the answer answered everything, nobody is left to hear of a failure.
  if (status < 300) await fail(NO_ANSWER);
  // A status below may not have a body, and a request needs its answer.
  else await fail(failure, status < 400 ? BAD_GATEWAY : status, withoutType(headers));
}

/** SPEC: transports, backwards compatibility — a refusal alone says nothing: the stream has to name an endpoint. */
async function speaksOnlySse(status: number, body: Uint8Array, { way, headers, abort }: Open): Promise<boolean> {
  if (!isOldAnswer(status) || peek(body)?.jsonrpc === '2.0') return false;
  const stop = new AbortController();
  abort.signal.addEventListener('abort', () => stop.abort());
  return offersEndpoint(way.client, ofSender(headers), stop.signal);
}

/** The id of the one request that is answered, JSON text. */
export function idOf({ frame }: Posting): string | undefined {
  return frame.kind === 'request' ? frame.id.text : undefined;
}

/** What begins like JSON may be read as such by a client, whatever its type says. */
function isJson(received: UpstreamAnswer, body: Uint8Array): boolean {
  return kindOf(received) === 'json' || /^[\s\uFEFF]*[[{]/.test(Buffer.from(body.subarray(0, 64)).toString());
}

function withoutType({ 'content-type': _, ...headers }: Record<string, string>): Record<string, string> {
  return headers;
}

async function relayStream(received: UpstreamAnswer, ids: readonly RequestId[], open: Open, fail: Fail): Promise<void> {
  const { relay, request, way, exchange, abort } = open;
  const stream =
    open.stream ?? request.reply.stream(received.status, way.rewrite(headersOf(received, relay.session), request, received.status));
  open.stream = stream;
  const { resumable, fault } = await relayEvents(received, relay.session, stream, way.maxMessage, relay.agent.events.note);
  if (relay.session.waitingOn(exchange) === 0) return;
  if (!resumable || !relay.resumable || abort.signal.aborted) {
    await fail(fault === undefined ? NO_ANSWER : failureBy(fault));
    return;
  }
  open.adrift = true;
  // A client sees from the broken connection that something is missing, as it would without us.
  if (fault !== undefined) stream.abort();
  relay.adrift.add({ ids: ids.map(keptId), until: relay.agent.ports.monotonic() + RESUMPTION });
}
