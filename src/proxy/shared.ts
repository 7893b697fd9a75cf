/** The state that the sessions of one agent share (wire.md §2.7, §2.12, §2.13): in the modern era each POST over HTTP is a session of its own. */

import type { Ports, Served } from '../engine/ports.ts';
import { createToolMemory, type ToolMemory } from '../engine/tool-memory.ts';
import { type Continuations, createContinuations } from './calls/continuations.ts';
import { createTasks, settleUnfetched, type Tasks } from './calls/tasks.ts';
import type { RequestBudget } from './requests/inflight.ts';
import { createOwnTasks, type OwnTasks } from './requests/own-tasks.ts';
import { createOutcomeLog, keep, type Unpriced } from './settle.ts';

export interface Shared {
  readonly continuations: Continuations;
  readonly tasks: Tasks;
  readonly unpriced: Unpriced;
  readonly ownTasks: OwnTasks;
  readonly tools: ToolMemory;
  readonly buffer: Buffered;
  readonly budget: RequestBudget;
  readonly listing: Listing;
}

/**
 * Counts the bytes of one agent in memory (wire.md §2.13): frames that wait to be judged, and calls that wait. Never more
 * than MAX_BUFFERED, but for one frame alone.
 */
export interface Buffered {
  bytes: number;
}

/** Bytes, at most. */
export const MAX_BUFFERED = 64 * 1024 * 1024;
/** A frame costs so much besides its bytes: short ones are kept at many times their length. */
export const FRAME_COST = 1024;

/** The proxy's own asking for the server's tool list. */
export interface Listing {
  /** While it goes on. */
  asking: Promise<'done' | 'given up'> | undefined;
  /** Monotonic ms before which a server that did not list its tools is not asked again. */
  againAt: number;
}

/** One agent, or one credential, of several sessions. */
export interface SharedSession extends Shared {
  /** True while something of the agent outlasts its requests: a call that may be continued, a task. */
  readonly isHolding: boolean;
  /** Ends calls and tasks that have waited too long. To be called about once a second. */
  sweep(): Promise<void>;
  /** Settles what its sessions left behind as unknown. To be called after the last of them has ended. */
  end(why: string): Promise<void>;
}

/** Nothing in common yet. */
export function createShared(ports: Ports, served: Served): SharedSession {
  const shared = createOwn(ports, served);
  const outcomes = createOutcomeLog(ports);
  const settling = { ports, outcomes, unpriced: shared.unpriced, tasks: shared.tasks };
  return {
    ...shared,
    get isHolding() {
      return shared.continuations.size > 0 || !shared.ownTasks.isEmpty;
    },
    async sweep() {
      await keep(shared.continuations.expired(ports.clock()), 'no continuation came in time', settling);
      await settleUnfetched(ports.clock(), settling);
    },
    async end(why) {
      await settleUnfetched(Number.POSITIVE_INFINITY, settling);
      await keep([...shared.continuations.drain(), ...shared.tasks.drain()], why, settling);
      await outcomes.idle();
    },
  };
}

/** The same for a session that shares nothing, and ends it itself. */
export function createOwn({ sha256 }: Ports, { toolsListed }: Served): Shared {
  return {
    continuations: createContinuations(),
    tasks: createTasks(),
    unpriced: { isWarned: false },
    ownTasks: createOwnTasks(),
    tools: createToolMemory(sha256, toolsListed),
    buffer: { bytes: 0 },
    budget: { taken: 0 },
    listing: { asking: undefined, againAt: 0 },
  };
}
