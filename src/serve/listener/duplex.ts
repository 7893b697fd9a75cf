/** `/mcp` in front of a child process, or of a server that speaks HTTP+SSE only: the listener keeps the sessions (wire.md §1). */

import { valuesOf } from '../../http/headers.ts';
import type { ServedRequest } from '../../http/server.ts';
import type { ClientFrame } from '../../mcp/messages/frame.ts';
import { BODY_LIMITS } from '../../mcp/messages/frame.ts';
import { checkHeaders, hasRepeating, isModern } from '../../mcp/messages/headers.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import { MODERN, VERSIONS } from '../../mcp/messages/revisions.ts';
import { accepts } from './accepts.ts';
import { type Agent, agentOf } from './agents.ts';
import { type DuplexParts, maxWaiting, openServer } from './duplex-open.ts';
import { serveDuplexPost } from './duplex-post.ts';
import type { DuplexSession } from './duplex-session.ts';
import type { Endpoint } from './endpoint.ts';
import { readPosted } from './read-posted.ts';
import { recordRefusal } from './refusal.ts';
import { isUnused } from './sessions.ts';

/** Opens the endpoint. */
export function openDuplex(parts: DuplexParts): Endpoint {
  const { sessions } = parts;
  return {
    async serve(request) {
      if (request.method === 'POST') await post(request, parts);
      else if (request.method === 'GET') await get(request, parts);
      else if (request.method === 'DELETE') await remove(request, parts);
      else request.reply.refuse(405, 'the method is not allowed', { headers: { allow: 'GET, POST, DELETE' } });
    },
    sessions: () => [...sessions.all()].map(({ session }) => session),
    isBusy: () => [...sessions.all()].some(({ posts }) => [...posts.values()].some(({ listens }) => !listens)),
    isUsedBy: parts.uses.has,
    sweep: (now) => sweep(now, parts),
    async end(why) {
      await Promise.all([...sessions.all()].map((duplex) => duplex.end(why)));
      await Promise.all(parts.ending);
    },
  };
}

async function post(request: ServedRequest, parts: DuplexParts): Promise<void> {
  const { reply } = request;
  const agent = agentOf(request, parts.agents);
  const read = await request.body(agent.room);
  if (read.kind === 'gone') return;
  if (read.kind === 'refused') return reply.refuse(read.status, read.why);
  const frame = await readPosted(request, read.bytes, BODY_LIMITS, agent);
  if (frame) await servePost(request, read.bytes, frame, agent, parts);
}

/** Serves a POST whose body was read. */
export async function servePost(
  request: ServedRequest,
  bytes: Uint8Array,
  frame: ClientFrame | Refusal,
  agent: Agent,
  parts: DuplexParts,
): Promise<void> {
  const { reply, rawHeaders } = request;
  const id = frame.kind === 'request' ? { id: frame.id.text } : {};
  if (!accepts(rawHeaders, 'application/json') && !accepts(rawHeaders, 'text/event-stream'))
    return reply.refuse(406, 'the client takes neither application/json nor text/event-stream', id);
  const modern = isModern(frame);
  const [version] = valuesOf(rawHeaders, 'mcp-protocol-version');
  if (!modern && version !== undefined && !VERSIONS.has(version))
    return reply.refuse(400, `unsupported protocol version ${JSON.stringify(version)}`, { ...id, code: -32000 });
  // What its header calls modern is no legacy message without a session: no server would know which era to speak.
  if (!modern && version === MODERN && frame.kind === 'request' && valuesOf(rawHeaders, 'mcp-session-id').length === 0)
    return reply.refuse(400, `"_meta" has to name the protocol version, as the header does: ${MODERN}`, { ...id, code: -32602 });
  const duplex = modern ? await pooled(request, agent, parts) : await sessionFor(request, frame, agent, parts);
  if (!duplex) return;
  duplex.touched = agent.ports.monotonic();
  const most = maxWaiting(parts);
  if (duplex.backend.waiting > most) return reply.refuse(503, 'the server reads too slowly', id);
  const fault = checkHeaders(frame, (name) => valuesOf(rawHeaders, name), duplex.session.inputSchemaOf, hasRepeating(rawHeaders));
  if (fault) return reply.refuse(400, fault.message, { code: fault.code, ...id });
  // A stream that begins before the server has agreed to the session names it: headers cannot be added later.
  const named = (whole: boolean) => !modern && (!whole || duplex.session.protocolVersion() !== undefined);
  const headers = (whole: boolean) => (named(whole) ? { 'mcp-session-id': duplex.id } : {});
  await serveDuplexPost({ request, bytes, frame, duplex, maxWaiting: most, modern, headers });
  duplex.touched = agent.ports.monotonic();
  const isOpening = !modern && valuesOf(rawHeaders, 'mcp-session-id').length === 0;
  if (isOpening && duplex.session.protocolVersion() === undefined) await duplex.end('the session was not opened');
}

async function sessionFor(
  request: ServedRequest,
  frame: ClientFrame | Refusal,
  agent: Agent,
  parts: DuplexParts,
): Promise<DuplexSession | undefined> {
  const [id] = valuesOf(request.rawHeaders, 'mcp-session-id');
  if (id !== undefined) return found(id, request, agent, parts);
  if (frame.kind === 'request' && frame.method === 'initialize')
    return openServer(request, agent, parts, { modern: false, oneStream: false });
  const refused = frame.kind === 'refused' ? frame : { code: -32000, message: 'no session: begin with "initialize"', id: undefined };
  const asked = frame.kind === 'request' ? frame.id : refused.id;
  if (frame.kind === 'refused') recordRefusal(frame, agent);
  request.reply.refuse(400, refused.message, { code: refused.code, ...(asked && { id: asked.text }) });
  return undefined;
}

/** SECURITY: who asks for a session of another agent hears the same as who asks for one that never was. */
function found(id: string, { reply }: ServedRequest, agent: Agent, { sessions }: DuplexParts): DuplexSession | undefined {
  const duplex = sessions.find(id, agent);
  if (duplex && !duplex.oneStream) {
    duplex.returned = true;
    return duplex;
  }
  reply.refuse(404, 'session not found');
  return undefined;
}

async function pooled(request: ServedRequest, agent: Agent, parts: DuplexParts): Promise<DuplexSession | undefined> {
  const { pool } = parts;
  const opening = pool.get(agent.key) ?? openServer(request, agent, parts, { modern: true, oneStream: false });
  pool.set(agent.key, opening);
  const duplex = await opening.catch((error: unknown) => {
    agent.ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  if (duplex) return duplex;
  if (pool.get(agent.key) === opening) pool.delete(agent.key);
  // It may have failed for another request, which was told so.
  request.reply.refuse(503, 'the server could not be started');
  return undefined;
}

async function get(request: ServedRequest, parts: DuplexParts): Promise<void> {
  const { reply, rawHeaders } = request;
  const agent = agentOf(request, parts.agents);
  const [id] = valuesOf(rawHeaders, 'mcp-session-id');
  if (id === undefined) return reply.refuse(400, 'no session: begin with "initialize"', { code: -32000 });
  if (!accepts(rawHeaders, 'text/event-stream')) return reply.refuse(406, 'the client does not take text/event-stream');
  const duplex = found(id, request, agent, parts);
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
  const duplex = found(id, request, agent, parts);
  if (!duplex) return;
  request.reply.send(200, {});
  await duplex.end('the client ended the session');
}

async function sweep(now: number, { sessions, agents }: DuplexParts): Promise<void> {
  for (const duplex of sessions.all()) {
    duplex.backend.sweep();
    for (const post of duplex.posts.values()) {
      post.look();
      post.keepOpen(now);
    }
    // SPEC: wire.md §5 — a child that nobody has used for long ends.
    if (isUnused(duplex, now)) void duplex.end('the session was not used any more');
  }
  await Promise.all([
    ...[...sessions.all()].map(({ session }) => session.sweep()),
    ...[...agents.all()].map(({ shared }) => shared.sweep()),
  ]);
}
