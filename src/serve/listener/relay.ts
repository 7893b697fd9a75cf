/** `/mcp` in front of a server that speaks Streamable HTTP itself (wire.md §1): every exchange is relayed as it is. */

import type { UpstreamAnswer } from '../../http/client.ts';
import { valuesOf } from '../../http/headers.ts';
import type { ServedRequest } from '../../http/server.ts';
import { BODY_LIMITS, type ClientFrame } from '../../mcp/messages/frame.ts';
import { checkHeaders, hasRepeating, isModern } from '../../mcp/messages/headers.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import { kindOf } from '../upstream/read-answer.ts';
import { lossOf, type Refused } from '../upstream/refused.ts';
import { type Agent, type Agents, agentOf } from './agents.ts';
import { type BareSessions, createBareSessions, isUnknown, UNSAID } from './bare-sessions.ts';
import type { Endpoint, OldWay } from './endpoint.ts';
import { readPosted } from './read-posted.ts';
import { serveDelete, serveGet } from './relay-get.ts';
import { sendOwn } from './relay-own.ts';
import { servePost } from './relay-post.ts';
import { openRelaySession, type Relay, type RelaySession, sweepAdrift } from './relay-session.ts';
import { createSessions, type Places, type Sessions } from './sessions.ts';
import { createUses, type Uses } from './uses.ts';

interface Parts {
  readonly way: Relay;
  readonly agents: Agents;
  readonly sessions: Sessions<RelaySession>;
  readonly bare: BareSessions;
  /** All that are open, and those of them whose server has not named them yet. */
  readonly open: Set<RelaySession>;
  readonly unnamed: Set<RelaySession>;
  readonly uses: Uses;
  readonly old: OldWay;
  /** The server turned out to speak HTTP+SSE only. */
  isOld: boolean;
  /** It answered a message as one of Streamable HTTP does. */
  isNew: boolean;
}

/** Opens the endpoint. */
export function openRelay(way: Relay, agents: Agents, places: Places, old: OldWay): Endpoint {
  const sessions = createSessions<RelaySession>(places, () => parts.unnamed.size);
  const parts: Parts = {
    way,
    agents,
    sessions,
    bare: createBareSessions(),
    open: new Set(),
    unnamed: new Set(),
    uses: createUses(),
    old,
    isOld: false,
    isNew: false,
  };
  return {
    async serve(request) {
      if (parts.isOld) await old.serve(request);
      else if (request.method === 'POST') await post(request, parts);
      else if (request.method === 'GET' || request.method === 'DELETE') await other(request, parts);
      else request.reply.refuse(405, 'the method is not allowed', { headers: { allow: 'GET, POST, DELETE' } });
    },
    sessions: () => [...parts.open].map(({ session }) => session),
    isBusy: () => [...parts.open].some(({ posts }) => [...posts.values()].some(({ listens }) => !listens)),
    isUsedBy: parts.uses.has,
    sweep: (now) => sweep(now, parts),
    async end(why) {
      await Promise.all([...parts.open].map((relay) => relay.end(why)));
      way.client.close();
    },
  };
}

async function post(request: ServedRequest, parts: Parts): Promise<void> {
  const agent = agentOf(request, parts.agents);
  const read = await request.body(agent.room);
  if (read.kind === 'gone') return;
  if (read.kind === 'refused') return request.reply.refuse(read.status, read.why);
  const { turns } = parts.way;
  turns.enter();
  try {
    await turns.next();
    await take(request, read.bytes, agent, parts);
  } finally {
    turns.leave();
  }
}

async function take(request: ServedRequest, bytes: Uint8Array, agent: Agent, parts: Parts): Promise<void> {
  const { reply, rawHeaders } = request;
  const reading = readPosted(request, bytes, BODY_LIMITS, agent);
  const frame = reading instanceof Promise ? await reading : reading;
  if (!frame) return;
  const relay = sessionFor(request, frame, agent, parts);
  if (!relay) return;
  const fault = checkHeaders(frame, (name) => valuesOf(rawHeaders, name), relay.session.inputSchemaOf, hasRepeating(rawHeaders));
  if (fault) reply.refuse(400, fault.message, { code: fault.code, ...(frame.kind === 'request' && { id: frame.id.text }) });
  else if ((await relayPost(request, bytes, frame, relay, parts)) === 'old') {
    if (!parts.isOld) agent.ports.log.info('the server speaks HTTP+SSE only');
    parts.isOld = true;
    await settleDown(relay, false, parts);
    await parts.old.post(request, bytes, frame, agent);
    return;
  }
  relay.touched = agent.ports.monotonic();
  await settleDown(relay, isInitialize(frame), parts);
}

function relayPost(request: ServedRequest, bytes: Uint8Array, frame: ClientFrame | Refusal, relay: RelaySession, parts: Parts) {
  // SECURITY: what refuses one client's headers or size, once it took another's, does not speak otherwise to all of them from then on.
  const mayBeOld = !parts.isNew && isInitialize(frame) && relay.id === undefined;
  const answered = (answer: UpstreamAnswer) => {
    relay.worked ||= answer.status < 300 && frame.kind === 'request' && !isInitialize(frame);
    return noteAnswer(answer, relay, parts);
  };
  const refused = (found: Refused) => noteLoss(found, relay, parts);
  return servePost({ request, bytes, frame, relay, way: parts.way, mayBeOld, answered, refused });
}

function isInitialize(frame: ClientFrame | Refusal): boolean {
  return frame.kind === 'request' && frame.method === 'initialize';
}

/** The session that a POST belongs to; undefined where it was refused. */
function sessionFor(request: ServedRequest, frame: ClientFrame | Refusal, agent: Agent, parts: Parts): RelaySession | undefined {
  if (isModern(frame)) return open(agent, true, parts);
  if (!ownsStream(request, agent)) return undefined;
  const [id] = valuesOf(request.rawHeaders, 'mcp-session-id');
  if (id !== undefined) return found(id, request, agent, parts);
  if (!isInitialize(frame)) return bareFor(request, agent, parts);
  if (parts.sessions.hasRoom(agent.ports.monotonic())) return open(agent, false, parts);
  request.reply.refuse(503, 'there are as many sessions as are allowed (--max-sessions)', { headers: { 'retry-after': '60' } });
  return undefined;
}

function open(agent: Agent, modern: boolean, parts: Parts): RelaySession {
  const send = (frame: OutgoingFrame, from: RelaySession) => void sendOwn(frame, from, parts.way);
  const onEnd = (ended: RelaySession) => {
    if (parts.open.delete(ended)) parts.uses.remove(agent);
    parts.unnamed.delete(ended);
    if (ended.isBare) parts.bare.remove(ended);
  };
  const relay = openRelaySession(agent, { modern, send, onEnd });
  parts.open.add(relay);
  parts.uses.add(agent);
  if (!modern) parts.unnamed.add(relay);
  return relay;
}

/** SECURITY: an event that this agent was not given is of a stream that does not exist for it (wire.md §2.7). */
function ownsStream({ rawHeaders, reply }: ServedRequest, { events }: Agent): boolean {
  if (events.mayResume(rawHeaders)) return true;
  reply.refuse(404, 'no stream has such an event');
  return false;
}

/** SECURITY: who asks for a session of another agent hears the same as who asks for one that never was. */
function found(id: string, { reply }: ServedRequest, agent: Agent, { sessions }: Parts): RelaySession | undefined {
  const relay = sessions.find(id, agent);
  if (!relay) {
    reply.refuse(404, 'session not found');
    return undefined;
  }
  relay.touched = agent.ports.monotonic();
  relay.returned = true;
  return relay;
}

function bareFor(request: ServedRequest, agent: Agent, parts: Parts): RelaySession {
  const [version = UNSAID] = valuesOf(request.rawHeaders, 'mcp-protocol-version');
  const relay = parts.bare.find(agent, version) ?? open(agent, false, parts);
  keepBare(relay, version, parts);
  relay.touched = agent.ports.monotonic();
  return relay;
}

function keepBare(relay: RelaySession, version: string, { bare, unnamed }: Parts): void {
  bare.keep(relay, version);
  unnamed.delete(relay);
}

/** Takes from the server's answer how it names the session. */
function noteAnswer(answer: UpstreamAnswer, relay: RelaySession, parts: Parts): string | undefined {
  const { status, headers } = answer;
  const { sessions } = parts;
  const id = headers['mcp-session-id'];
  if (status < 300 && kindOf(answer) !== 'other') parts.isNew = true;
  if (typeof id !== 'string' || relay.id !== undefined || !relay.resumable) return undefined;
  if (!sessions.add(id, relay)) return 'the server gave a session id that is in use';
  relay.id = id;
  parts.unnamed.delete(relay);
  return undefined;
}

/**
 * SPEC: wire.md §5 — a session that the server lost is none of ours either: who names it next is told so with 404, and opens
 * another. The credential of a client is its own matter: that it is refused tells nothing of the session.
 */
function noteLoss(refused: Refused, relay: RelaySession, { sessions, way }: Parts): void {
  const isItsOwn = refused.status === 401 && way.rules.authorization;
  const loss = lossOf(refused, relay.worked && !isItsOwn);
  if (relay.id === undefined || !loss) return;
  sessions.remove(relay.id, relay);
  relay.gone = loss;
}

/** What becomes of a session after an exchange: it stays, it ends with it, or it stands for all that have no id. */
async function settleDown(relay: RelaySession, wasInitialize: boolean, parts: Parts): Promise<void> {
  const { agent, session } = relay;
  if (relay.id !== undefined && !relay.gone) return;
  if (relay.gone === 'likely' && relay.posts.size > 0) return;
  const version = wasInitialize ? session.protocolVersion() : undefined;
  if (version !== undefined && relay.id === undefined && !parts.bare.find(agent, version)) keepBare(relay, version, parts);
  if (!relay.isBare || isUnknown(relay)) await relay.end('the session is over');
}

async function other(request: ServedRequest, parts: Parts): Promise<void> {
  const agent = agentOf(request, parts.agents);
  if (!ownsStream(request, agent)) return;
  const [id] = valuesOf(request.rawHeaders, 'mcp-session-id');
  const relay = id === undefined ? bareFor(request, agent, parts) : found(id, request, agent, parts);
  if (!relay) return;
  relay.asking += 1;
  const serving = request.method === 'GET' ? serveGet(request, relay, parts.way) : serveDelete(request, relay, parts.way);
  const status = await serving.finally(() => {
    relay.asking -= 1;
  });
  if (relay.id === undefined) return settleDown(relay, false, parts);
  const isOver = status === 404 || (request.method === 'DELETE' && status < 300);
  if (!isOver) return;
  parts.sessions.remove(relay.id, relay);
  await relay.end('the session is over');
}

async function sweep(now: number, { open: all, bare, agents, sessions }: Parts): Promise<void> {
  bare.sweep(now);
  for (const relay of all) {
    sweepAdrift(relay, now);
    for (const post of relay.posts.values()) post.keepOpen(now);
  }
  sessions.endAlone(now);
  await Promise.all([...[...all].map(({ session }) => session.sweep()), ...[...agents.all()].map(({ shared }) => shared.sweep())]);
}
