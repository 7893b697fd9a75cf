/** The agents behind a listener: everybody who brings the same credential is one (wire.md §2.7, policy.md §12). */
import { type AgentKey, agentKey } from '../../core/agent-key.ts';
import type { Client, Ports, Served } from '../../engine/ports.ts';
import { createRoom, type Room } from '../../http/body.ts';
import { type CookieJar, createCookieJar, valuesOf, withoutPayments } from '../../http/headers.ts';
import { createUnread, type Unread } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { createShared, type SharedSession } from '../../proxy/shared.ts';
import { createEventMemory, type EventMemory, NO_MEMORY } from './event-memory.ts';

export interface Agent {
  /** What its sessions, servers and streams belong to (policy.md §6). */
  readonly key: AgentKey;
  readonly ports: Ports;
  readonly served: Served;
  readonly client: Client;
  /** What its sessions of the modern era have in common. */
  readonly shared: SharedSession;
  /** For bodies that are being read. */
  readonly room: Room;
  /** What it was answered and has not read. */
  readonly unread: Unread;
  /** Events of its streams that it may go on from. */
  readonly events: EventMemory;
  /** Of the upstream, for what belongs to no session. */
  readonly cookies: CookieJar;
  /** Whether the upstream has taken its credential: one that it did not take may be invented. */
  isAccepted: boolean;
}

export interface Agents {
  /** Who sends these headers. */
  of(rawHeaders: readonly string[]): Agent;
  all(): Iterable<Agent>;
}

/** Bytes of bodies that one agent may have on their way, and of answers that it has not read (wire.md §2.13). */
const MAX_ROOM = 64 * 1024 * 1024;
/** How many are remembered: whoever sends another credential with every request must not fill the memory. */
const MAX_AGENTS = 1_024;

interface AgentsOptions {
  readonly ports: Ports;
  readonly served: Served;
  /** The name that the operator gave all of them (`--agent`). */
  readonly name: string | undefined;
  /** The client's own `Authorization` goes to the upstream, and tells agents apart. */
  readonly passed: boolean;
  readonly inUse: (agent: Agent) => boolean;
}

/** Nobody has asked yet. */
export function createAgents({ ports, served, name, passed, inUse }: AgentsOptions): Agents {
  const agents = new Map<string, Agent>();
  return {
    of(rawHeaders) {
      const [authorization = ''] = passed ? valuesOf(rawHeaders, 'authorization') : [];
      const naming = withoutPayments(authorization);
      const credential = naming === '' ? undefined : ports.sha256(canonical(naming));
      const client = { agent: name, credential };
      const key = agentKey(client);
      const agent = agents.get(key) ?? openAgent(key, ports, served, client, passed);
      // The one that was asked for last is the last to be forgotten.
      agents.delete(key);
      agents.set(key, agent);
      if (agents.size > MAX_AGENTS) forgetOne(agents, key, inUse);
      return agent;
    },
    all: () => agents.values(),
  };
}

/** Who sends this request, whose answer counts as its own. */
export function agentOf({ rawHeaders, reply }: ServedRequest, agents: Agents): Agent {
  const agent = agents.of(rawHeaders);
  reply.countIn(agent.unread);
  return agent;
}

/** SECURITY: the scheme has no case, and any white space follows it: written otherwise, a credential is no other agent (RFC 9110 §11.4). */
function canonical(authorization: string): string {
  const [scheme = ''] = authorization.split(/[ \t]/, 1);
  return `${scheme.toLowerCase()} ${authorization.slice(scheme.length).replace(/^[ \t]+/, '')}`;
}

function openAgent(key: AgentKey, ports: Ports, served: Served, client: Client, hasOthers: boolean): Agent {
  return {
    key,
    ports,
    served,
    client,
    shared: createShared(ports, served),
    room: createRoom(MAX_ROOM),
    unread: createUnread(MAX_ROOM),
    events: hasOthers ? createEventMemory(ports.sha256) : NO_MEMORY,
    cookies: createCookieJar(),
    isAccepted: false,
  };
}

/**
 * SPEC: wire.md §5 — whose credential the upstream did not take goes first, then who left nothing behind. SECURITY: who sends one
 * invented credential after the other makes nobody lose a task, or the next leg of a call, while there are others to forget.
 */
function forgetOne(agents: Map<string, Agent>, last: string, inUse: (agent: Agent) => boolean): void {
  let least: Agent | undefined;
  for (const agent of agents.values()) {
    // The last of all asks just now.
    if (agent.key === last || inUse(agent)) continue;
    if (!least || worth(agent) < worth(least)) least = agent;
    if (worth(least) === 0) break;
  }
  if (!least) return;
  agents.delete(least.key);
  void least.shared.end('the agent was not heard of any more');
}

function worth({ isAccepted, shared }: Agent): number {
  return shared.isHolding ? 2 : Number(isAccepted);
}
