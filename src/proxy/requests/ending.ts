/** Requests that end without an answer of the server (policy.md §6): in time, with their client, with their stream, with the session. */
import type { RequestId } from '../../mcp/messages/id.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import { settleUnfetched } from '../calls/tasks.ts';
import { answer, forgo, ownCancel } from '../deliver.ts';
import type { Exchange } from '../exchange.ts';
import { releaseUnpaid } from '../payments/payments.ts';
import { keep, settle } from '../settle.ts';
import type { Session } from '../state.ts';
import type { PendingRequest } from './inflight.ts';

/** Ends what has waited too long. */
export async function sweep(session: Session): Promise<void> {
  const { ports, continuations, inflight } = session;
  if (!session.isSharing) {
    await keep(continuations.expired(ports.clock()), 'no continuation came in time', session);
    await settleUnfetched(ports.clock(), session);
    await releaseUnpaid(session.served, ports);
  }
  if (ports.timeouts.upstream === 0) return;
  const late = inflight.expire(ports.monotonic() - ports.timeouts.upstream);
  for (const request of late) inflight.answering.begin(request);
  for (const request of late) {
    warnOfUpstream(`the server did not answer ${request.method} in time`, session);
    if (request.purpose.kind === 'call') await keep([request.purpose.call], 'the server did not answer in time', session);
    inflight.answering.end(request);
    answer(renderError(request.id.text, -32001, 'the server did not answer in time'), request.to, session);
  }
}

/** Answers everything that still waits. */
export async function endAll(why: string, session: Session): Promise<void> {
  const { answering } = session.inflight;
  const unanswered = session.inflight.drain();
  for (const request of unanswered) answering.begin(request);
  if (!session.isSharing) await settleUnfetched(Number.POSITIVE_INFINITY, session);
  if (unanswered.some(({ purpose }) => purpose.kind !== 'own')) warnOfUpstream(why, session);
  const calls = unanswered.flatMap(({ purpose }) => (purpose.kind === 'call' ? [purpose.call] : []));
  const left = session.isSharing ? [] : [...session.continuations.drain(), ...session.tasks.drain()];
  await keep([...calls, ...left], why, session);
  for (const request of unanswered) {
    const { id, to, purpose } = request;
    answering.end(request);
    if (purpose.kind === 'own') purpose.resolve(undefined);
    else answer(renderError(id.text, -32000, why), to, session);
  }
}

/**
 * The client closed the stream of this exchange. SPEC: wire.md §5 — in the modern era that cancels its requests, in
 * the legacy one they go on; but for a call that is kept open nothing is forwarded once its client has gone (policy.md §12).
 */
export function leave(exchange: Exchange, session: Session): void {
  for (const request of session.inflight.of(exchange)) {
    if (!request.modern && !session.waits.open.has(request)) continue;
    session.inflight.cancel(request.sentAs.key);
    forgo(request.to, session);
    const { purpose } = request;
    if (purpose.kind === 'judging') continue;
    if (purpose.kind === 'call') void keep([purpose.call], 'cancelled by the client', session);
    tellServer(request, exchange, session);
  }
  session.waits.wake();
}

function tellServer({ sentAs }: PendingRequest, exchange: Exchange, { output, ports, protocol }: Session): void {
  try {
    output.toServer([ownCancel(sentAs, protocol.modernMeta, exchange)]);
  } catch (error) {
    ports.log.error(`the server cannot be written to: ${String(error)}`);
  }
}

/** The way that requests end whose transport failed; `answered`: the client got the upstream's own answer as it was. */
export interface Failure {
  readonly outcome: 'kept' | 'released';
  readonly why: string;
  readonly answered?: boolean | undefined;
  /** Of the JSON-RPC error; -32000 unless given. */
  readonly code?: number | undefined;
}

/** Names the server: what fails looks alike for all of them. */
function warnOfUpstream(why: string, { served, ports }: Session): void {
  ports.log.warn(`${served.shownUpstream.replaceAll('\0', ' ')}: ${why}`);
}

/** The server's side of these requests (by the ids that it got) failed: each is settled, and answered once (I9). */
export async function fail(ids: readonly RequestId[], { outcome, why, answered, code }: Failure, session: Session): Promise<void> {
  let isSaid = false;
  for (const { key } of ids) {
    const request = session.inflight.get(key);
    if (!request || request.purpose.kind === 'judging') continue;
    if (!isSaid) warnOfUpstream(why, session);
    isSaid = true;
    // INVARIANT I9: what the server may have got it may still answer, on another stream; that would be a second answer.
    if (outcome === 'kept') session.inflight.giveUp(key);
    else session.inflight.take(key);
    const { purpose, to } = request;
    if (purpose.kind === 'own') purpose.resolve(undefined);
    if (purpose.kind === 'call') void settle([{ call: purpose.call, outcome: { result: outcome, error: why } }], session);
    if (purpose.kind === 'own' || purpose.kind === 'answered') continue;
    if (answered) forgo(to, session);
    else answer(renderError(request.id.text, code ?? -32000, why), to, session);
  }
  await session.outcomes.idle();
}
