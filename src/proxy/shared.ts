/** What the sessions of one agent have in common (wire.md §2.7, §2.12, §2.13): in the modern era each POST over HTTP is a session of its own. */

import type { Ports, Served } from '../engine/ports.ts';
import { createToolMemory, type ToolMemory } from '../engine/tool-memory.ts';
import { createLegs, createTasks, type Legs, type Tasks } from './calls/continuation.ts';
import { keep } from './calls/keep.ts';
import { settleUnfetched } from './calls/unfetched.ts';
import { type Buffer, createBuffer } from './frames/buffer.ts';
import { createUnpriced, type Unpriced } from './payments/unpriced.ts';
import type { Room } from './requests/inflight.ts';
import { createOwnTasks, type OwnTasks } from './requests/own-tasks.ts';
import { createOutcomeLog } from './settle.ts';

export interface Shared {
  readonly legs: Legs;
  readonly tasks: Tasks;
  readonly unpriced: Unpriced;
  readonly ownTasks: OwnTasks;
  readonly tools: ToolMemory;
  readonly buffer: Buffer;
  readonly room: Room;
  readonly listing: Listing;
}

/** The proxy's own asking for the server's tool list. */
export interface Listing {
  /** While it goes on. */
  asking: Promise<'done' | 'given up'> | undefined;
  /** Monotonic ms before which a server that did not list its tools is not asked again. */
  againAt: number;
}

/** One agent, or one credential, of several sessions. */
export interface SharedSession extends Shared {
  /** Whether something of the agent outlasts its requests: a call that may be continued, a task. */
  readonly isHolding: boolean;
  /** Ends legs and tasks that have waited too long. To be called about once a second. */
  sweep(): Promise<void>;
  /** Settles what its sessions left behind as unknown. To be called after the last of them has ended. */
  end(why: string): Promise<void>;
}

/** Nothing in common yet. */
export function createShared(ports: Ports, served: Served): SharedSession {
  const shared = createOwn(ports, served);
  const outcomes = createOutcomeLog(ports);
  const settling = { ports, outcomes, unpriced: shared.unpriced };
  return {
    ...shared,
    get isHolding() {
      return !shared.legs.isEmpty || !shared.ownTasks.isEmpty;
    },
    async sweep() {
      await keep(shared.legs.expired(ports.clock()), 'no continuation came in time', settling);
      await settleUnfetched(ports.clock(), shared.tasks, settling);
    },
    async end(why) {
      await settleUnfetched(Number.POSITIVE_INFINITY, shared.tasks, settling);
      await keep([...shared.legs.drain(), ...shared.tasks.drain()], why, settling);
      await outcomes.idle();
    },
  };
}

/** The same for a session that shares nothing, and ends it itself. */
export function createOwn({ sha256 }: Ports, { toolsListed }: Served): Shared {
  return {
    legs: createLegs(),
    tasks: createTasks(),
    unpriced: createUnpriced(),
    ownTasks: createOwnTasks(),
    tools: createToolMemory(sha256, toolsListed),
    buffer: createBuffer(),
    room: { taken: 0 },
    listing: { asking: undefined, againAt: 0 },
  };
}
