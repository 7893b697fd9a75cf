/** `/mcp` in front of a server that speaks Streamable HTTP itself (wire.md §1): every exchange is relayed as it is. */

import { valuesOf } from '../../http/headers.ts';
import type { ServedRequest } from '../../http/server.ts';
import { checkHeaders, hasRepeating, isModern } from '../../mcp/messages/headers.ts';
import { type Agent, type Agents, agentOf } from './agents.ts';
import { type Endpoint, idOf, type OldWay, type PostedRequest, readBytes, readPosted } from './front.ts';
import { answerPost, forward, keepOpen, servePost } from './relay-post.ts';
import {
  createBareSessions,
  isUnknown,
  openRelaySession,
  type Relay,
  type RelaySession,
  sweepUnresumed,
  UNSAID,
  type Way,
} from './relay-session.ts';
import { sendOwn, serveDelete, serveGet } from './relay-streams.ts';
import { createSessions, createUses, findSession, isCalling, type Places, refuseFull, sweepSessions } from './sessions.ts';

/** Opens the endpoint. */
export function openRelay(given: Way, agents: Agents, places: Places, old: OldWay): Endpoint {
  const way: Relay = {
    ...given,
    agents,
    sessions: createSessions<RelaySession>(places, () => way.unnamed.size),
    bare: createBareSessions(),
    open: new Set(),
    unnamed: new Set(),
    uses: createUses(),
    ...{ isOld: false, isNew: false },
  };
  return {
    async serve(request) {
      if (way.isOld) await old.serve(request);
      else if (request.method === 'POST') await post(request, way, old);
      else if (request.method === 'GET' || request.method === 'DELETE') await other(request, way);
      else request.reply.refuse(405, 'the method is not allowed', { headers: { allow: 'GET, POST, DELETE' } });
    },
    sessions: () => [...way.open].map(({ session }) => session),
    isBusy: () => isCalling(way.open),
    isUsedBy: way.uses.has,
    async sweep(now) {
      way.bare.sweep(now);
      for (const relay of way.open) {
        sweepUnresumed(relay, now);
        for (const each of relay.posts.values()) keepOpen(each, now, way);
      }
      way.sessions.endAlone(now);
      await sweepSessions(way.open, agents);
    },
    async end(why) {
      await Promise.all([...way.open].map((relay) => relay.end(why)));
      way.client.close();
    },
  };
}

async function post(request: ServedRequest, way: Relay, old: OldWay): Promise<void> {
  const agent = agentOf(request, way.agents);
  const bytes = await readBytes(request, agent);
  if (!bytes) return;
  const { turns } = way;
  turns.enter();
  try {
    await turns.next();
    const reading = readPosted(request, bytes, agent);
    const posted = reading instanceof Promise ? await reading : reading;
    if (posted) await take(posted, way, old);
  } finally {
    turns.leave();
  }
}

async function take(posted: PostedRequest, way: Relay, old: OldWay): Promise<void> {
  const { frame, agent } = posted;
  const { reply, rawHeaders } = posted.request;
  const opens = frame.kind === 'request' && frame.method === 'initialize';
  const relay = sessionFor(posted, opens, way);
  if (!relay) return;
  const fault = checkHeaders(frame, (name) => valuesOf(rawHeaders, name), relay.session.inputSchemaOf, hasRepeating(rawHeaders));
  const id = fault && idOf(posted);
  if (fault) reply.refuse(400, fault.message, { code: fault.code, ...(id !== undefined && { id }) });
  else if ((await servePost(posted, relay, opens, way)) === 'old') {
    if (!way.isOld) agent.ports.log.info('the server speaks HTTP+SSE only');
    way.isOld = true;
    await settleDown(relay, false, way);
    return old.post(posted);
  }
  relay.touched = agent.ports.monotonic();
  if (relay.id === undefined || relay.gone) await settleDown(relay, opens, way);
}

/** Finds the session that a POST belongs to; undefined where it was refused. */
function sessionFor({ request, frame, agent }: PostedRequest, opens: boolean, way: Relay): RelaySession | undefined {
  if (isModern(frame)) return open(agent, true, way);
  if (agent.events && !ownsStream(request, agent)) return undefined;
  const [id] = valuesOf(request.rawHeaders, 'mcp-session-id');
  if (id !== undefined) return findSession(id, request, agent, way.sessions);
  if (!opens) return bareFor(request, agent, way);
  if (way.sessions.mayOpen(agent.ports.monotonic())) return open(agent, false, way);
  refuseFull(request);
  return undefined;
}

function open(agent: Agent, modern: boolean, way: Relay): RelaySession {
  const relay = openRelaySession(agent, {
    modern,
    forward: (frame, to) => void forward(frame, to, way),
    answer: answerPost,
    send: (frame, from) => void sendOwn(frame, from, way),
    onEnd(ended) {
      if (way.open.delete(ended)) way.uses.remove(agent);
      way.unnamed.delete(ended);
      if (ended.isBare) way.bare.remove(ended);
    },
  });
  way.open.add(relay);
  way.uses.add(agent);
  if (!modern) way.unnamed.add(relay);
  return relay;
}

/** SECURITY: an event that this agent was not given is of a stream that does not exist for it (wire.md §2.7). */
function ownsStream({ rawHeaders, reply }: ServedRequest, { events }: Agent): boolean {
  if (!events || events.mayResume(rawHeaders)) return true;
  reply.refuse(404, 'no stream has such an event');
  return false;
}

function bareFor(request: ServedRequest, agent: Agent, way: Relay): RelaySession {
  const [version = UNSAID] = valuesOf(request.rawHeaders, 'mcp-protocol-version');
  const relay = way.bare.find(agent, version) ?? open(agent, false, way);
  keepBare(relay, version, way);
  relay.touched = agent.ports.monotonic();
  return relay;
}

function keepBare(relay: RelaySession, version: string, { bare, unnamed }: Relay): void {
  bare.keep(relay, version);
  unnamed.delete(relay);
}

/** Decides what becomes of a session after an exchange: it stays, it ends with it, or it stands for all that have no id. */
async function settleDown(relay: RelaySession, wasInitialize: boolean, way: Relay): Promise<void> {
  const { agent, session } = relay;
  if (relay.id !== undefined && !relay.gone) return;
  if (relay.gone === 'likely' && relay.posts.size > 0) return;
  const version = wasInitialize ? session.protocolVersion() : undefined;
  if (version !== undefined && relay.id === undefined && !way.bare.find(agent, version)) keepBare(relay, version, way);
  if (!relay.isBare || isUnknown(relay)) await relay.end('the session is over');
}

async function other(request: ServedRequest, way: Relay): Promise<void> {
  const agent = agentOf(request, way.agents);
  if (!ownsStream(request, agent)) return;
  const [id] = valuesOf(request.rawHeaders, 'mcp-session-id');
  const relay = id === undefined ? bareFor(request, agent, way) : findSession(id, request, agent, way.sessions);
  if (!relay) return;
  relay.asking += 1;
  const serving = request.method === 'GET' ? serveGet(request, relay, way) : serveDelete(request, relay, way);
  const status = await serving.finally(() => {
    relay.asking -= 1;
  });
  if (relay.id === undefined) return settleDown(relay, false, way);
  if (status !== 404 && (request.method === 'GET' || status > 299)) return;
  way.sessions.remove(relay.id, relay);
  await relay.end('the session is over');
}
