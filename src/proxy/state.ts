/** One session between an agent and a server: what it remembers, and where its frames go. */

import { type CallIdentity, openIdentity } from '../engine/arrival.ts';
import type { Client, Ports, Served } from '../engine/ports.ts';
import { BODY_LIMITS, type FrameLimits, LINE_LIMITS } from '../mcp/messages/frame.ts';
import type { SessionOutput } from './exchange.ts';
import { type AskedRequests, createAsked, createInflight, type Inflight } from './requests/inflight.ts';
import type { OwnTasks } from './requests/own-tasks.ts';
import { createOutcomeLog, type OutcomeLog } from './settle.ts';
import { createOwn, type Shared } from './shared.ts';
import { createWaits, type Waits } from './waiting/waits.ts';

/** The protocol that is spoken, as far as it is known. `version` is the negotiated one (legacy); `modernMeta` the last `_meta` that a modern client sent. */
export interface Protocol {
  version: string | undefined;
  /** True where a legacy client declared that it shows pages (URL elicitation). */
  showsPages: boolean;
  client: string | undefined;
  initialized: boolean;
  modernMeta: string | undefined;
  /** True where the first call came without a session (2026-07-28). SECURITY: an agent that spoke both eras would have two counts. */
  sessionless: boolean | undefined;
}

/** The options by which a session differs with its carrier. */
export interface SessionOptions {
  /** HTTP: the four white-space characters of JSON are fine (wire.md §2.6). */
  readonly anySpace?: boolean | undefined;
  /** HTTP: each POST is an id scope of its own, and an id that is taken is replaced (wire.md §2.7). */
  readonly replaceIds?: boolean | undefined;
  /** The server may send an answer again, on a stream that its client resumes. */
  readonly resumable?: boolean | undefined;
  /** The server's transport takes a batch as one frame (wire.md §2.1). */
  readonly joinBatches?: boolean | undefined;
  /** The state that this session shares with others of the same agent or credential. */
  readonly shared?: Shared | undefined;
  /** The bounds on this agent's requests and frames in all its sessions (wire.md §2.13). Those of `shared`, unless given. */
  readonly bounds?: Pick<Shared, 'budget' | 'buffer'> | undefined;
  /** The tasks of this agent or credential; for it no others exist (wire.md §2.7). Those of `shared`, unless given. */
  readonly ownTasks?: OwnTasks | undefined;
}

/** With what it shares, or would share, with others. */
export interface Session extends Omit<Shared, 'ownTasks'> {
  readonly id: string;
  readonly ports: Ports;
  readonly served: Served;
  readonly client: Client;
  /** Names its calls. */
  readonly identity: CallIdentity;
  readonly output: SessionOutput;
  readonly limits: FrameLimits;
  readonly replaceIds: boolean;
  readonly joinBatches: boolean;
  /** True where other sessions use the same continuations, tasks, tools and buffer. */
  readonly isSharing: boolean;
  readonly inflight: Inflight;
  /** Undefined where the server has no other agents. */
  readonly ownTasks: OwnTasks | undefined;
  readonly protocol: Protocol;
  readonly outcomes: OutcomeLog;
  /** Unguessable, so that no answer of the server can be taken for one to the proxy's own requests. */
  readonly ownPrefix: string;
  /** Calls that wait for the server's tool list; the session's input is not closed before they went out. */
  readonly waiting: Set<Promise<void>>;
  /** Calls that are kept open look here for when to look again. */
  readonly waits: Waits;
  /** The server's requests to the agent that have no answer. */
  readonly asked: AskedRequests;
  /** Approvals whose page a legacy client was asked to show. */
  readonly shown: Set<string>;
  /** Why the session is over, once it is: nothing more is asked of the server. */
  over: string | undefined;
}

export function createSession(ports: Ports, served: Served, client: Client, output: SessionOutput, options: SessionOptions = {}): Session {
  const { replaceIds = false, joinBatches = false, resumable = false, anySpace = false } = options;
  const shared = options.shared ?? createOwn(ports, served);
  const { budget, buffer } = options.bounds ?? shared;
  return {
    ...shared,
    budget,
    buffer,
    ownTasks: options.ownTasks ?? options.shared?.ownTasks,
    id: ports.newId(),
    ports,
    served,
    client,
    identity: openIdentity(ports, served, client),
    output,
    limits: anySpace ? BODY_LIMITS : LINE_LIMITS,
    replaceIds,
    joinBatches,
    isSharing: options.shared !== undefined,
    inflight: createInflight({ budget, mayReplace: replaceIds, resumable }),
    protocol: {
      version: undefined,
      showsPages: false,
      client: undefined,
      initialized: false,
      modernMeta: undefined,
      sessionless: undefined,
    },
    outcomes: createOutcomeLog(ports),
    ownPrefix: `intercept-${ports.newId()}-`,
    waiting: new Set(),
    waits: createWaits(),
    asked: createAsked(),
    shown: new Set(),
    over: undefined,
  };
}
