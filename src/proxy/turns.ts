/**
 * Turns of the event loop (wire.md §2.13): nothing that a peer sends keeps it for long, so that other calls, timers and
 * the pause go on. What is small is done within the turn that it came in.
 */
import { createShare, type Share, type Slices } from '../core/slices.ts';
import { readClientFrameInSlices, readToolCall } from '../mcp/messages/client.ts';
import type { ClientFrame, ClientMessage, FrameLimits } from '../mcp/messages/frame.ts';
import type { Refusal } from '../mcp/messages/refusal.ts';
import { readServerFrameInSlices } from '../mcp/messages/server.ts';
import type { Incoming, KnownOf, ServerLine } from './exchange.ts';
import { ownPathInSlices } from './methods.ts';
import type { Session } from './state.ts';

/** Bytes from which on a frame is read in slices. */
const LARGE = 256 * 1024;

/** A share of the turn that begins now. */
export function openShare(): Share {
  return createShare(() => performance.now(), nextTurn);
}

/** Resolves when others had their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Does work on something large, and gives others their turns. */
export async function inTurns<T>(work: Slices<T>): Promise<T> {
  const share = openShare();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value;
    const turn = share.next();
    if (turn) await turn;
  }
}

/** The same for work that may turn out small: then it is done at once. */
export function atOnceOrInTurns<T>(work: Slices<T>): T | Promise<T> {
  const first = work.next();
  return first.done ? first.value : inTurns(work);
}

/** True where a frame, or a text, is worked on in slices. */
export function isLarge({ length }: Uint8Array | string): boolean {
  return length >= LARGE;
}

/** Reads what a client sent, where it is large. */
export function readInTurns(bytes: Uint8Array, limits: FrameLimits): Promise<ClientFrame | Refusal> {
  return inTurns(readClientFrameInSlices(bytes, limits));
}

/** True where a frame has to be read in slices. */
export function hasLarge(lines: readonly (ServerLine | Incoming)[]): boolean {
  for (const line of lines) if (line.kind === 'line' && line.bytes.length >= LARGE) return true;
  return false;
}

/** The agent's frames, of which the large ones are read and looked through; the others are when they are dealt with. */
export async function readLarge(lines: readonly Incoming[], session: Session): Promise<readonly Incoming[]> {
  const all: Incoming[] = [];
  for (const line of lines) all.push(isLargeLine(line) ? await inTurns(readAndLook(line, session)) : line);
  return all;
}

function* readAndLook(line: Incoming, session: Session): Slices<Incoming> {
  if (line.kind !== 'line') return line;
  const frame = line.frame ?? (yield* readClientFrameInSlices(line.bytes, session.limits));
  yield;
  const known = new Map<ClientMessage, KnownOf>();
  for (const message of frame.kind === 'batch' ? frame.items : [frame])
    if (message.kind !== 'refused') known.set(message, yield* lookThrough(message, session));
  yield;
  return { ...line, frame, known };
}

function* lookThrough(message: ClientMessage, { served, client, identity }: Session): Slices<KnownOf> {
  const ownPath = yield* ownPathInSlices(message, served);
  if (message.kind === 'response' || message.method !== 'tools/call') return { ownPath, fingerprint: undefined };
  const toolCall = readToolCall(message);
  yield;
  if ('kind' in toolCall) return { ownPath, fingerprint: undefined };
  const { name: tool, args } = toolCall;
  return { ownPath, fingerprint: yield* identity.fingerprintInSlices({ tool, args, agent: client.agent }) };
}

/** The same for a server's. */
export async function readLargeOfServer(lines: readonly ServerLine[]): Promise<readonly ServerLine[]> {
  const all: ServerLine[] = [];
  for (const line of lines) all.push(isLargeLine(line) ? { ...line, frame: await inTurns(readServerFrameInSlices(line.bytes)) } : line);
  return all;
}

function isLargeLine<L extends ServerLine | Incoming>(line: L): line is Extract<L, { kind: 'line' }> {
  return line.kind === 'line' && isLarge(line.bytes);
}

/** Bytes that count as much as one frame more. */
const PIECE = 2048;

/** Estimates the share of a turn that a frame takes, in small frames. */
export function weigh(line: ServerLine | Incoming): number {
  return line.kind === 'line' ? 1 + Math.floor(line.bytes.length / PIECE) : 1;
}

/** Runs work over whatever has piled up, one lot at a time and in order: frames that arrive together are judged together. */
export interface Pump<T> {
  push(items: readonly T[]): void;
  /** The work that was pushed and is not done: the items, where a large one counts by its weight. */
  readonly backlog: number;
  /** Resolves when all that was pushed is done. */
  idle(): Promise<void>;
}

export interface PumpOptions<T> {
  /** Never overlaps itself. */
  readonly work: (items: readonly T[]) => void | Promise<void>;
  /** Gets what the work throws, with the items it was given; the pump goes on. */
  readonly onFault: (error: unknown, items: readonly T[]) => void;
  /** At least 1. */
  readonly weigh: (item: T) => number;
}

/** The weight of what is worked on together: more of it would keep the loop for long. */
const LOT = 128;

/** Opens a pump. Between two lots it gives others a turn, where it had its share of this one (wire.md §2.13). */
export function createPump<T>({ work, onFault, weigh }: PumpOptions<T>): Pump<T> {
  const share = openShare();
  let queue: T[] = [];
  let weights: number[] = [];
  let backlog = 0;
  let busy = false;
  let running: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const count = queue.length === 1 ? 1 : lotOf(weights);
      const items = queue;
      const done = weights;
      queue = count === items.length ? [] : items.splice(count);
      weights = count === done.length ? [] : done.splice(count);
      try {
        const working = work(items);
        if (working instanceof Promise) await working;
      } catch (error) {
        onFault(error, items);
      }
      for (const weight of done) backlog -= weight;
      const turn = queue.length > 0 ? share.next() : undefined;
      if (turn) await turn;
    }
    busy = false;
  };
  return {
    push(items) {
      for (const item of items) {
        const weight = weigh(item);
        queue.push(item);
        weights.push(weight);
        backlog += weight;
      }
      if (busy || queue.length === 0) return;
      busy = true;
      share.begin();
      running = drain();
    },
    get backlog() {
      return backlog;
    },
    async idle() {
      while (busy) await running;
    },
  };
}

/** Counts the first items that fit into one turn; a heavy one goes alone. */
function lotOf(weights: readonly number[]): number {
  let weight = 0;
  for (const [index, more] of weights.entries()) {
    if (index > 0 && weight + more > LOT) return index;
    weight += more;
  }
  return weights.length;
}
