/** GET and DELETE of a session, on their way through the listener (wire.md §1): streams are judged as they are anywhere else. */
import type { UpstreamAnswer } from '../../http/client.ts';
import { toUpstream, valuesOf, withoutPayment } from '../../http/headers.ts';
import type { ServedRequest } from '../../http/server.ts';
import { kindOf } from '../upstream/read-answer.ts';
import { failureBy, failureOf, readRefused, wordsOf } from '../upstream/refused.ts';
import { OPENING, within } from '../upstream/within.ts';
import { headersOf } from './payable.ts';
import { relayEvents } from './relay-events.ts';
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
      const { fault } = await relayEvents(answer, relay.session, stream, way.maxMessage, relay.agent.events.note);
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
