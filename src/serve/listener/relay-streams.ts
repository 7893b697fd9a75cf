/**
 * Relays all but POSTs through the listener (wire.md §1, §2.6, §5): streams and ends of sessions, messages of the proxy's own,
 * and the events of every stream, event by event, with ids, comments and retries as they came.
 */

import type { UpstreamAnswer } from '../../http/client.ts';
import { toClient, toUpstream, valuesOf, withoutPayment } from '../../http/headers.ts';
import type { EventStream } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { createEventParser, piecesOf, type SseEvent } from '../../http/sse.ts';
import { renderEvent, renderMessage } from '../../http/sse-render.ts';
import { headersFor } from '../../mcp/messages/headers.ts';
import { createIdFinder, type Sender } from '../../mcp/messages/id-finder.ts';
import { mayAskForPayment, withoutDemand } from '../../mcp/payments/http-payment.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { ProxySession } from '../../proxy/session.ts';
import { openShare } from '../../proxy/turns.ts';
import { adopt, kindOf, readBody, withoutBom } from '../upstream/read-answer.ts';
import { failureBy, failureOf, readRefused, refusedBy, wordsOf } from '../upstream/refused.ts';
import { OPENING, within } from '../upstream/within.ts';
import type { Relay, RelaySession } from './relay-session.ts';

/** Serves a stream of what belongs to no request, or the rest of one that broke. Answers with the server's status. */
export async function serveGet({ rawHeaders, reply }: ServedRequest, relay: RelaySession, way: Relay): Promise<number> {
  const abort = new AbortController();
  // Also where we ended the stream ourselves: nobody is left to read what the server still sends.
  reply.onOver(() => abort.abort());
  const isNew = valuesOf(rawHeaders, 'last-event-id').length === 0;
  const send = way.client.send({
    method: 'GET',
    headers: withoutPayment(toUpstream(rawHeaders, way.rules)),
    cookies: relay.cookies,
    signal: abort.signal,
  });
  if (isNew && relay.id !== undefined) goFirst(send, relay);
  try {
    const answer = await send;
    const { status } = answer;
    if (status < 300) relay.agent.isAccepted = true;
    if (status > 299 || kindOf(answer) !== 'events') {
      reply.refuse(status > 399 ? status : 502, await whyNot(answer, way));
      return status;
    }
    const stream = reply.stream(status, headersOf(answer, relay.session));
    relay.streams.add(stream);
    try {
      const { fault } = await relayEvents(answer, relay.session, stream, way.maxMessage, relay.agent.events?.note);
      if (fault !== undefined) stream.abort();
    } finally {
      relay.streams.delete(stream);
      stream.end();
    }
    return status;
  } catch (fault) {
    reply.refuse(502, failureBy(fault).why);
    return 502;
  }
}

/**
 * Nothing that the client says after it asked for the stream overtakes it on a connection that is warm. INVARIANT I9: what
 * the server asks while there is no stream is lost in many servers, and the call that it asks for waits in vain.
 */
function goFirst(sent: Promise<unknown>, relay: RelaySession): void {
  const opening = within(OPENING, sent)
    .catch(() => undefined)
    .finally(() => {
      if (relay.opening === opening) relay.opening = undefined;
    });
  relay.opening = opening;
}

async function whyNot(answer: UpstreamAnswer, { maxMessage, mask }: Relay): Promise<string> {
  const refused = await readRefused(answer, maxMessage);
  return failureOf(answer.status, answer.status > 299 ? wordsOf(refused, mask) : '').why;
}

/** Serves the end of a session as the server sees it. Answers with its status. */
export async function serveDelete({ rawHeaders, reply }: ServedRequest, { cookies }: RelaySession, way: Relay): Promise<number> {
  const abort = new AbortController();
  reply.onGone(() => abort.abort());
  try {
    const answer = await way.client.send({
      method: 'DELETE',
      headers: withoutPayment(toUpstream(rawHeaders, way.rules)),
      cookies,
      signal: abort.signal,
    });
    if (answer.status > 299) reply.refuse(answer.status, await whyNot(answer, way));
    else {
      answer.discard();
      reply.send(answer.status, {});
    }
    return answer.status;
  } catch (fault) {
    reply.refuse(502, failureBy(fault).why);
    return 502;
  }
}

/** Matches the headers that belong to one message of the client. */
const NOT_OURS = /^(?:last-event-id|mcp-(?:method|name|param-.*))$/;
/** The server has so long to take a message of the proxy's own, ms. */
const OWN = 60_000;
const NOTHING = new Uint8Array(0);
const ACCEPT = { accept: 'application/json, text/event-stream' };
const NOBODY = { write: () => true, drained: async () => {}, waiting: 0, end: () => {}, abort: () => {} };

/** Sends one, and takes what comes back. Never rejects. */
export async function sendOwn(frame: OutgoingFrame, { session, headers, cookies, id: sessionId }: RelaySession, way: Relay): Promise<void> {
  const { bytes, id, ids = id ? [id] : [] } = frame;
  // SECURITY: of the client's last headers only those that name it and its session go with a message that is not its own.
  const kept = Object.entries(withoutPayment(headers)).filter(([name]) => !NOT_OURS.test(name));
  const own = {
    ...headersFor(frame, session.inputSchemaOf),
    ...(sessionId !== undefined && !frame.modern && { 'mcp-session-id': sessionId }),
  };
  try {
    const all = { ...Object.fromEntries(kept), ...ACCEPT, ...lowerCase(own), 'content-type': 'application/json' };
    const answer = await way.client.send({ method: 'POST', headers: all, body: bytes, cookies, signal: AbortSignal.timeout(OWN) });
    if (kindOf(answer) === 'events') await relayEvents(answer, session, NOBODY, way.maxMessage);
    else {
      const body = withoutBom((await readBody(answer, way.maxMessage)) ?? NOTHING);
      if (body.length > 0) await session.relay({ kind: 'line', bytes: adopt(body, ids) });
      if (answer.status > 299)
        return void (await session.upstreamFailed(
          ids,
          failureOf(
            answer.status,
            wordsOf(refusedBy(answer, body), (text) => way.mask(text, headers.authorization)),
          ),
        ));
    }
    await session.upstreamFailed(ids, failureOf(answer.status));
  } catch (fault) {
    await session.upstreamFailed(ids, failureBy(fault));
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** The headers of an answer that nobody is asked to pay for. SECURITY: what they ask is judged by nobody, so they may ask nothing. */
export function headersOf({ headers }: Pick<UpstreamAnswer, 'headers'>, session: ProxySession): Record<string, string> {
  const kept = toClient(headers);
  if (kept['payment-required'] === undefined && kept['www-authenticate'] === undefined) return kept;
  return mayAskForPayment(kept) && session.limitsSpend() ? withoutDemand(kept) : kept;
}

/** The end of a stream. */
interface Ended {
  /** Its events had ids: the client may ask for what is missing. */
  readonly resumable: boolean;
  /** The error that broke it; undefined where it came to its end. */
  readonly fault: unknown;
}

/** Relays events until the server ends the stream, or it breaks. Reads no faster than the client does. `note`: called with the id of each event. */
export async function relayEvents(
  { body }: UpstreamAnswer,
  session: ProxySession,
  stream: EventStream,
  maxMessage: number,
  note?: (id: string) => void,
): Promise<Ended> {
  const parser = createEventParser(maxMessage, createIdFinder);
  const share = openShare();
  let resumable = false;
  try {
    for await (const piece of piecesOf(body))
      for (const event of parser.push(piece)) {
        if (event.kind === 'event' && event.id) {
          resumable = true;
          note?.(event.id);
        }
        if (!stream.write(await judged(event, session))) await stream.drained();
        const turn = share.next();
        if (turn) await turn;
      }
    return { resumable, fault: undefined };
  } catch (fault) {
    return { resumable, fault };
  }
}

/** SECURITY: the data of every event is judged, whatever the event is called: a client may look at all of them. */
async function judged(event: SseEvent<Sender>, session: ProxySession): Promise<Uint8Array> {
  if (event.kind === 'event' && !event.data?.length) return renderEvent(event, event.data);
  const frames = await session.relay(event.kind === 'event' ? { kind: 'line', bytes: event.data as Uint8Array } : event);
  const [first, ...others] = frames;
  const written = event.kind === 'event' ? renderEvent(event, first) : first === undefined ? new Uint8Array(0) : renderMessage(first);
  return others.length === 0 ? written : Buffer.concat([written, ...others.map(renderMessage)]);
}
