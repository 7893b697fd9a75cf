/**
 * `/mcp` in front of a child process, or of a server that speaks HTTP+SSE only: the listener keeps the sessions (wire.md §1). A POST
 * is judged, written to the server, and answered with JSON or a stream.
 */

import { valuesOf } from '../../http/headers.ts';
import type { EventStream } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { renderMessage } from '../../http/sse-render.ts';
import type { FrameBytes } from '../../mcp/messages/frame.ts';
import { checkHeaders, hasRepeating, isModern } from '../../mcp/messages/headers.ts';
import { MODERN, VERSIONS } from '../../mcp/messages/revisions.ts';
import { agentOf } from './agents.ts';
import { type DuplexParts, type DuplexPost, type DuplexSession, maxWaiting, openServer } from './duplex-session.ts';
import {
  accepts,
  type Endpoint,
  idOf,
  JSON_TYPE,
  modernStatusOf,
  type OldWay,
  PATIENCE,
  type PostedRequest,
  readBytes,
  readPosted,
  recordRefusal,
  statusOf,
} from './front.ts';
import { findSession, isCalling, isUnused, sweepSessions } from './sessions.ts';

/** Opens the endpoint. */
export function openDuplex(parts: DuplexParts): Endpoint & OldWay {
  const { sessions } = parts;
  return {
    async serve(request) {
      if (request.method === 'POST') await readAndServe(request, parts);
      else if (request.method === 'GET') await get(request, parts);
      else if (request.method === 'DELETE') await remove(request, parts);
      else request.reply.refuse(405, 'the method is not allowed', { headers: { allow: 'GET, POST, DELETE' } });
    },
    post: (posted) => servePost(posted, parts),
    sessions: () => [...sessions.all()].map(({ session }) => session),
    isBusy: () => isCalling(sessions.all()),
    isUsedBy: parts.uses.has,
    sweep: (now) => sweep(now, parts),
    async end(why) {
      await Promise.all([...sessions.all()].map((duplex) => duplex.end(why)));
      await Promise.all(parts.ending);
    },
  };
}

async function readAndServe(request: ServedRequest, parts: DuplexParts): Promise<void> {
  const agent = agentOf(request, parts.agents);
  const bytes = await readBytes(request, agent);
  const posted = bytes && (await readPosted(request, bytes, agent));
  if (posted) await servePost(posted, parts);
}

async function servePost(posted: PostedRequest, parts: DuplexParts): Promise<void> {
  const { request, frame, agent } = posted;
  const { reply, rawHeaders } = request;
  const asked = idOf(posted);
  const id = asked === undefined ? {} : { id: asked };
  if (!accepts(rawHeaders, 'application/json') && !accepts(rawHeaders, 'text/event-stream'))
    return reply.refuse(406, 'the client takes neither application/json nor text/event-stream', id);
  const modern = isModern(frame);
  const [version] = valuesOf(rawHeaders, 'mcp-protocol-version');
  if (!modern && version !== undefined && !VERSIONS.has(version))
    return reply.refuse(400, `unsupported protocol version ${JSON.stringify(version)}`, { ...id, code: -32000 });
  const isOpening = !modern && valuesOf(rawHeaders, 'mcp-session-id').length === 0;
  // A message whose header is modern cannot open a legacy session: no server would know which era to speak.
  if (isOpening && version === MODERN && frame.kind === 'request')
    return reply.refuse(400, `"_meta" has to name the protocol version, as the header does: ${MODERN}`, { ...id, code: -32602 });
  const duplex = modern ? await pooled(posted, parts) : await sessionFor(posted, parts);
  if (!duplex) return;
  duplex.touched = agent.ports.monotonic();
  if (duplex.backend.waiting > maxWaiting(parts)) return reply.refuse(503, 'the server reads too slowly', id);
  const fault = checkHeaders(frame, (name) => valuesOf(rawHeaders, name), duplex.session.inputSchemaOf, hasRepeating(rawHeaders));
  if (fault) return reply.refuse(400, fault.message, { code: fault.code, ...id });
  await serveDuplexPost(posted, duplex, modern);
  duplex.touched = agent.ports.monotonic();
  if (isOpening && duplex.session.protocolVersion() === undefined) await duplex.end('the session was not opened');
}

async function sessionFor(posted: PostedRequest, parts: DuplexParts): Promise<DuplexSession | undefined> {
  const { request, frame, agent } = posted;
  const [id] = valuesOf(request.rawHeaders, 'mcp-session-id');
  if (id !== undefined) return findSession(id, request, agent, parts.sessions);
  if (frame.kind === 'request' && frame.method === 'initialize')
    return openServer(request, agent, parts, { modern: false, oneStream: false, take });
  const refused = frame.kind === 'refused' ? frame : { code: -32000, message: 'no session: begin with "initialize"', id: undefined };
  const asked = frame.kind === 'request' ? frame.id : refused.id;
  if (frame.kind === 'refused') recordRefusal(frame, agent);
  request.reply.refuse(400, refused.message, { code: refused.code, ...(asked && { id: asked.text }) });
  return undefined;
}

async function pooled({ request, agent }: PostedRequest, parts: DuplexParts): Promise<DuplexSession | undefined> {
  const { pool } = parts;
  const opening = pool.get(agent.key) ?? openServer(request, agent, parts, { modern: true, oneStream: false, take });
  pool.set(agent.key, opening);
  const duplex = await opening.catch((error: unknown) => {
    agent.ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  if (duplex) return duplex;
  if (pool.get(agent.key) === opening) pool.delete(agent.key);
  // It may have failed for another request, which was answered so.
  request.reply.refuse(503, 'the server could not be started');
  return undefined;
}

async function get(request: ServedRequest, parts: DuplexParts): Promise<void> {
  const { reply, rawHeaders } = request;
  const agent = agentOf(request, parts.agents);
  const [id] = valuesOf(rawHeaders, 'mcp-session-id');
  if (id === undefined) return reply.refuse(400, 'no session: begin with "initialize"', { code: -32000 });
  if (!accepts(rawHeaders, 'text/event-stream')) return reply.refuse(406, 'the client does not take text/event-stream');
  const duplex = findSession(id, request, agent, parts.sessions);
  if (!duplex) return;
  const stream = reply.stream(200, { 'mcp-session-id': id });
  duplex.listen(stream);
  await new Promise<void>((resolve) => reply.onOver(resolve));
  duplex.unlisten(stream);
  duplex.touched = agent.ports.monotonic();
}

async function remove(request: ServedRequest, parts: DuplexParts): Promise<void> {
  const agent = agentOf(request, parts.agents);
  const [id] = valuesOf(request.rawHeaders, 'mcp-session-id');
  if (id === undefined) return request.reply.refuse(400, 'no session is named', { code: -32000 });
  const duplex = findSession(id, request, agent, parts.sessions);
  if (!duplex) return;
  request.reply.send(200, {});
  await duplex.end('the client ended the session');
}

async function sweep(now: number, { sessions, agents }: DuplexParts): Promise<void> {
  for (const duplex of sessions.all()) {
    duplex.backend.sweep();
    for (const post of duplex.posts.values()) {
      look(post);
      keepOpen(post, now);
    }
    // SPEC: wire.md §5 — a child that nobody has used for long ends.
    if (isUnused(duplex, now)) void duplex.end('the session was not used any more');
  }
  await sweepSessions(sessions.all(), agents);
}

/** Serves one POST of a session. Resolves when it is answered. */
export async function serveDuplexPost(posted: PostedRequest, duplex: DuplexSession, modern: boolean): Promise<void> {
  const { request, bytes, frame, agent } = posted;
  const { session, posts } = duplex;
  const post: DuplexPost = {
    ...{ request, agent, bytes, frame, duplex, modern },
    exchange: { id: agent.ports.newId() },
    listens: frame.kind === 'request' && frame.method === 'subscriptions/listen',
    streams: accepts(request.rawHeaders, 'text/event-stream'),
    since: agent.ports.monotonic(),
    over: Promise.withResolvers(),
    ...{ frames: [], code: undefined, stream: undefined, taken: false },
  };
  const { exchange, over } = post;
  posts.set(exchange, post);
  request.reply.onGone(() => {
    duplex.touched = agent.ports.monotonic();
    session.left(exchange);
    look(post);
  });
  try {
    session.fromAgent([{ kind: 'line', bytes, frame }], exchange);
    if (session.waitingOn(exchange) === 0) await Promise.race([over.promise, session.agentTaken()]);
    post.taken = true;
    if (session.waitingOn(exchange) > 0) await over.promise;
    flush(post);
  } finally {
    posts.delete(exchange);
    if (post.stream) post.stream.end();
    else request.reply.send(202, headersOf(post, true));
    // A request that this message cancelled waits no more, and nothing else would end its POST.
    for (const other of posts.values()) look(other);
  }
}

/** Takes frames for a POST, from the server or of the proxy's own. */
export function take(frames: readonly FrameBytes[], code: number | undefined, post: DuplexPost): void {
  post.code = code;
  post.taken = true;
  // All frames that the server wrote at once are taken before anything ends: the last of them may be the answer.
  if (post.frames.length === 0) queueMicrotask(() => look(post));
  post.frames.push(...frames);
}

/** Ends a POST of which nothing waits. INVARIANT I9: looked after before its turn (others may take long), a request waits for nothing yet, and is not over. */
export function look(post: DuplexPost): void {
  if (post.duplex.session.waitingOn(post.exchange) > 0) flush(post);
  else if (post.taken) post.over.resolve();
}

/** Opens the stream of a POST whose client has waited long enough for an answer. Monotonic ms. */
function keepOpen(post: DuplexPost, now: number): void {
  if (!post.streams || now - post.since < PATIENCE || post.request.reply.started) return;
  if (post.duplex.session.waitingOn(post.exchange) > 0) openStream(post);
}

/** Writes what has come: as JSON where it is all there will be, else on a stream. */
function flush(post: DuplexPost): void {
  const { frames, request, duplex, exchange } = post;
  post.frames = [];
  const isLast = duplex.session.waitingOn(exchange) === 0;
  const alone = isLast && !post.stream && (frames.length === 1 || !post.streams) ? frames.pop() : undefined;
  if (alone !== undefined) {
    const status = post.modern ? modernStatusOf(alone, post.frame, post.code) : statusOf(post.code);
    request.reply.send(status, { ...headersOf(post, true), ...JSON_TYPE }, alone, idOf(post));
  }
  if (frames.length === 0) return;
  if (!post.streams) {
    duplex.elsewhere(frames);
    return;
  }
  const stream = openStream(post);
  for (const frame of frames) stream.write(renderMessage(frame));
  if (stream.waiting > duplex.maxWaiting) stream.abort();
}

function openStream(post: DuplexPost): EventStream {
  post.stream ??= post.request.reply.stream(200, headersOf(post, false));
  return post.stream;
}

/** The session's name. A stream that begins before the server has agreed to the session names it, too: headers cannot be added later. */
function headersOf({ modern, duplex: { id, session } }: DuplexPost, isWhole: boolean): Record<string, string> {
  return !modern && (!isWhole || session.protocolVersion() !== undefined) ? { 'mcp-session-id': id } : {};
}
