/** The agents behind a listener: everybody who brings the same credential is one (wire.md §2.7, policy.md §12). */
import { type AgentKey, agentKey } from '../../core/agent-key.ts';
import type { Client, Ports, Served } from '../../engine/ports.ts';
import { type BodyBudget, createBodyBudget } from '../../http/body.ts';
import { type CookieJar, createCookieJar, valuesOf, withoutPayments } from '../../http/headers.ts';
import { createUnread, type Unread } from '../../http/reply.ts';
import type { ServedRequest } from '../../http/server.ts';
import { createShared, type SharedSession } from '../../proxy/shared.ts';

export interface Agent {
  /** Identifies the agent; its sessions, servers and streams belong to this key (policy.md §6). */
  readonly key: AgentKey;
  readonly ports: Ports;
  readonly served: Served;
  readonly client: Client;
  /** The state that its sessions of the modern era share. */
  readonly shared: SharedSession;
  /** Bounds its bodies that are being read. */
  readonly budget: BodyBudget;
  /** Its large bodies that are read in turns, by the session that they name. INVARIANT I11: `budget` bounds them. */
  readonly reading: Map<string, Promise<unknown>>;
  /** The answers that it has not read yet. */
  readonly unread: Unread;
  /** Events of its streams that it may go on from; undefined where agents are not distinguished, and every stream is everybody's. */
  readonly events: EventMemory | undefined;
  /** The upstream's cookies, for requests of no session. */
  readonly cookies: CookieJar;
  /** The upstream has taken its credential; one that it did not take may be invented. */
  isAccepted: boolean;
}

export interface Agents {
  /** Finds the agent that sends these headers; `bearer` is the name of the token that came with them. */
  of(rawHeaders: readonly string[], bearer?: string): Agent;
  all(): Iterable<Agent>;
}

/** Bytes of bodies that one agent may have on their way, and of answers that it has not read (wire.md §2.13). */
const MAX_BUDGET = 64 * 1024 * 1024;
/** No more agents are remembered: a client that sends another credential with every request must not fill the memory. */
const MAX_AGENTS = 1_024;

interface AgentsOptions {
  readonly ports: Ports;
  readonly served: Served;
  /** The name that the operator gave all of them (`--agent`). */
  readonly name: string | undefined;
  /** The client's own `Authorization` goes to the upstream, and distinguishes agents. */
  readonly passed: boolean;
  /** Tokens of the listener's own distinguish agents. */
  readonly named?: boolean;
  readonly inUse: (agent: Agent) => boolean;
}

/** Creates the empty table of agents. */
export function createAgents({ ports, served, name, passed, named = false, inUse }: AgentsOptions): Agents {
  const agents = new Map<string, Agent>();
  return {
    of(rawHeaders, bearer) {
      const [authorization = ''] = passed ? valuesOf(rawHeaders, 'authorization') : [];
      const naming = withoutPayments(authorization);
      const credential = naming === '' ? undefined : ports.sha256(canonical(naming));
      const client = { agent: bearer ?? name, credential };
      const key = agentKey(client);
      const agent = agents.get(key) ?? openAgent(key, ports, served, client, passed || named);
      // The listener itself knows who this is.
      if (bearer !== undefined) agent.isAccepted = true;
      // The one that was asked for last is the last to be forgotten.
      agents.delete(key);
      agents.set(key, agent);
      if (agents.size > MAX_AGENTS) forgetOne(agents, key, inUse);
      return agent;
    },
    all: () => agents.values(),
  };
}

/** Finds the agent that sends this request, and counts the answer as its own. */
export function agentOf({ rawHeaders, bearer, reply }: ServedRequest, agents: Agents): Agent {
  const agent = agents.of(rawHeaders, bearer);
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
    budget: createBodyBudget(MAX_BUDGET),
    reading: new Map(),
    unread: createUnread(MAX_BUDGET),
    events: hasOthers ? createEventMemory(ports.sha256) : undefined,
    cookies: createCookieJar(),
    isAccepted: false,
  };
}

/**
 * SPEC: wire.md §5 — forgets first an agent whose credential the upstream did not take, then one that left nothing behind. SECURITY:
 * a client that invents one credential after the other makes nobody lose a task, or a continuation, while there are others to forget.
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

/** Remembers the events that an agent was given, and so may go on from (wire.md §2.7): streams belong to who opened them. */
export interface EventMemory {
  /** An event with this id goes to the agent. */
  note(id: string): void;
  /** Answers whether it was given the event that these headers name as its last; true where they name none. */
  mayResume(rawHeaders: readonly string[]): boolean;
}

/** The newest are kept: a client goes on from the last that it read, and has not read far behind what was written. */
const MAX_IDS = 4_096;
/** A longer id is kept as its digest. */
const MAX_LENGTH = 64;

/** SECURITY: an id that is not known is nobody's: many servers have one event store for all their sessions, and ids that can be guessed. */
function createEventMemory(sha256: (text: string) => string): EventMemory {
  const ids = new Set<string>();
  const short = (id: string) => (id.length > MAX_LENGTH ? sha256(id) : id);
  return {
    note(id) {
      const kept = short(id);
      ids.delete(kept);
      ids.add(kept);
      if (ids.size <= MAX_IDS) return;
      for (const oldest of ids) {
        ids.delete(oldest);
        return;
      }
    },
    mayResume(rawHeaders) {
      const [id = ''] = valuesOf(rawHeaders, 'last-event-id');
      // An id is UTF-8, of which a header has the bytes.
      return id === '' || ids.has(short(id)) || ids.has(short(Buffer.from(id, 'latin1').toString()));
    },
  };
}
