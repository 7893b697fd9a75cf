/** A POST on its way through the listener: judged, sent on with its own bytes, and answered with what may come back (wire.md §1, §5). */

import { speaksOfPayment, toUpstream, valuesOf } from '../../http/headers.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { FrameBytes } from '../../mcp/messages/frame.ts';
import { credentialsOf } from '../../mcp/payments/http-payment.ts';
import type { Exchange } from '../../proxy/exchange.ts';
import { accepts } from './accepts.ts';
import { forward, idOf, type Open, type Posting } from './relay-answer.ts';
import { PATIENCE, type Post } from './relay-session.ts';
import { JSON_TYPE, modernStatusOf, statusOf } from './status-of.ts';

const ACCEPT = { accept: 'application/json, text/event-stream' };

/**
 * Serves one POST. Resolves when it is answered, and its requests are settled or wait for a stream that is resumed; with
 * `old` where the server has to be spoken to in another way: then nothing was answered.
 */
export async function servePost(posting: Posting): Promise<'served' | 'old'> {
  const { request, relay, bytes, frame } = posting;
  const { session } = relay;
  const abort = new AbortController();
  const faulted = (error: unknown) => {
    relay.agent.ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
    request.reply.refuse(500, 'internal fault');
  };
  const since = relay.agent.ports.monotonic();
  const exchange: Exchange = {
    id: relay.agent.ports.newId(),
    // SPEC: policy.md §8 — payments of HTTP stand in headers; a policy that limits none does not look at them.
    credentials: () => credentialsOf((name) => valuesOf(request.rawHeaders, name)),
  };
  const post: Post = {
    forward: (outgoing) =>
      void forward(outgoing, open)
        .catch(faulted)
        .finally(() => sent(open)),
    answer: (frames, code) => answer(frames, code, open),
    giveUp: () => abort.abort(),
    get gone() {
      return request.reply.over;
    },
    keepOpen(now) {
      if (now - since >= PATIENCE && !request.reply.started && session.waitingOn(exchange) > 0 && !needsHead(open)) openStream(open);
    },
    listens: frame.kind === 'request' && frame.method === 'subscriptions/listen',
  };
  const state = { stream: undefined, sending: 0, adrift: false, isOld: false, failed: undefined };
  const passed = toUpstream(request.rawHeaders, posting.way.rules);
  const headers = { ...ACCEPT, ...(relay.resumable ? passed : withoutSession(passed)) };
  const open: Open = { ...posting, ...state, headers, exchange, abort, over: Promise.withResolvers() };
  relay.posts.set(exchange, post);
  relay.headers = headers;
  request.reply.onGone(() => {
    session.left(exchange);
    // Of a session that has no name yet the client will never hear.
    if (relay.resumable && relay.id === undefined && frame.kind === 'request' && frame.method === 'initialize') abort.abort();
    finish(open);
  });
  try {
    session.fromAgent([{ kind: 'line', bytes, frame }], exchange);
    // What asks for nothing may be dropped without a trace.
    if (session.waitingOn(exchange) === 0 && open.sending === 0) await Promise.race([open.over.promise, session.agentTaken()]);
    if (session.waitingOn(exchange) > 0 || open.sending > 0) await open.over.promise;
  } finally {
    relay.posts.delete(exchange);
    if (open.stream) open.stream.end();
    else if (!open.isOld) request.reply.send(202, {});
  }
  return open.isOld ? 'old' : 'served';
}

/** SECURITY: a message of the modern era belongs to no session, and was not asked whose the one is that it names (wire.md §2.7). */
function withoutSession({ 'mcp-session-id': _, 'last-event-id': __, ...headers }: Readonly<Record<string, string>>) {
  return headers;
}

/** Ends the POST where nothing is under way for it, and nothing of it waits. */
function finish(open: Open): void {
  if (open.sending === 0 && (open.adrift || open.relay.session.waitingOn(open.exchange) === 0)) open.over.resolve();
}

function sent(open: Open): void {
  open.sending -= 1;
  finish(open);
}

/** 2026-07-28: the status goes by the error. */
function statusFor(frame: FrameBytes, code: number | undefined, { relay, frame: asked }: Open): number {
  return relay.resumable ? statusOf(code) : modernStatusOf(frame, asked, code);
}

/** The server's own head tells the client its session, or what became of its payment: an early one of ours would take its place. */
function needsHead({ frame, headers }: Open): boolean {
  return (frame.kind === 'request' && frame.method === 'initialize') || speaksOfPayment(headers);
}

/** Nothing for a client that takes no streams. */
function openStream(open: Open): void {
  const { request } = open;
  if (accepts(request.rawHeaders, 'text/event-stream')) open.stream ??= request.reply.stream(200, {});
}

/** Takes what the proxy answers itself: a denial, a refusal, an error for what will have no answer. */
function answer(frames: readonly FrameBytes[], code: number | undefined, open: Open): void {
  const { request, relay, exchange, failed, sending, abort } = open;
  for (const frame of frames) {
    // What comes before the answer (progress of a call that is kept open, a page to show) needs a stream.
    if (relay.session.waitingOn(exchange) > 0) openStream(open);
    if (open.stream) open.stream.write(renderMessage(frame));
    else if (relay.session.waitingOn(exchange) === 0)
      request.reply.send(failed?.status ?? statusFor(frame, code, open), { ...failed?.headers, ...JSON_TYPE }, frame, idOf(open));
  }
  // Nobody waits any longer for what the server is still asked.
  if (sending > 0 && relay.session.waitingOn(exchange) === 0) abort.abort();
  finish(open);
}
