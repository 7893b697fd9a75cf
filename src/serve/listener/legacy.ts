/** `/sse` and `/message`: the transport of 2024-11-05, beside the newer one, for the clients that still speak it (wire.md §1). */

import type { ServedRequest } from '../../http/server.ts';
import { agentOf } from './agents.ts';
import { take } from './duplex.ts';
import { type DuplexParts, openServer } from './duplex-session.ts';
import { asksFor, readBytes, readPosted, recordRefusal } from './front.ts';

export const SSE_PATH = '/sse';
export const MESSAGE_PATH = '/message';

/** Serves the stream of a session, which lasts as long as it does. */
export async function serveSse(request: ServedRequest, parts: DuplexParts): Promise<void> {
  const { reply, method } = request;
  if (method !== 'GET') return reply.refuse(405, 'the method is not allowed', { headers: { allow: 'GET' } });
  // SECURITY: what a page can ask for as an image, or as a document, names no such type.
  if (!asksFor(request.rawHeaders, 'text/event-stream'))
    return reply.refuse(406, `${SSE_PATH} is a stream of events: ask for it with "Accept: text/event-stream"`);
  const duplex = await openServer(request, agentOf(request, parts.agents), parts, { modern: false, oneStream: true, take });
  if (!duplex) return;
  const stream = reply.stream(200, {});
  stream.write(`event: endpoint\ndata: ${parts.prefix}${MESSAGE_PATH}?sessionId=${duplex.id}\n\n`);
  duplex.listen(stream);
  await new Promise<void>((resolve) => reply.onOver(resolve));
  duplex.unlisten(stream);
  await duplex.end('the client closed its stream');
}

/** Takes a message of a session, whose answer comes on its stream. */
export async function serveMessage(request: ServedRequest, parts: DuplexParts): Promise<void> {
  const { reply, method, query } = request;
  if (method !== 'POST') return reply.refuse(405, 'the method is not allowed', { headers: { allow: 'POST' } });
  const agent = agentOf(request, parts.agents);
  const [id, second] = query.getAll('sessionId');
  const duplex = id === undefined || second !== undefined ? undefined : parts.sessions.find(id, agent);
  if (!duplex?.oneStream) return reply.refuse(404, 'session not found');
  const bytes = await readBytes(request, agent);
  if (!bytes) return;
  duplex.touched = agent.ports.monotonic();
  duplex.returned = true;
  if (duplex.backend.waiting > parts.maxMessage) return reply.refuse(503, 'the server reads too slowly');
  const posted = await readPosted(request, bytes, agent);
  if (!posted) return;
  const { frame } = posted;
  // A message whose sender is unknown is refused here and now: on the stream an error without an id would be nobody's.
  if (frame.kind === 'refused' && !frame.id) {
    recordRefusal(frame, agent);
    reply.refuse(400, frame.message, { code: frame.code });
    return;
  }
  duplex.session.fromAgent([{ kind: 'line', bytes, frame }]);
  reply.send(202, { 'content-type': 'text/plain' }, 'Accepted');
}
