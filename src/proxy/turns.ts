/**
 * Turns of the event loop (wire.md §2.13): nothing that a peer sends keeps it for long, so that other calls, timers and
 * the pause go on. What is small is done within the turn that it came in.
 */
import { createShare, type Share, type Slices } from '../core/slices.ts';
import type { Later } from '../engine/later.ts';
import { readClientFrameInSlices, readToolCall } from '../mcp/messages/client.ts';
import type { ClientFrame, ClientMessage, FrameLimits } from '../mcp/messages/frame.ts';
import type { Refusal } from '../mcp/messages/refusal.ts';
import { readServerFrameInSlices } from '../mcp/messages/server.ts';
import type { Incoming, KnownOf, ServerLine } from './exchange.ts';
import { ownPathInSlices } from './gate.ts';
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
export function atOnceOrInTurns<T>(work: Slices<T>): Later<T> {
  const first = work.next();
  return first.done ? first.value : inTurns(work);
}

/** Whether a frame, or a text, is worked on in slices. */
export function isLarge({ length }: Uint8Array | string): boolean {
  return length >= LARGE;
}

/** Reads what a client sent, where it is large. */
export function readInTurns(bytes: Uint8Array, limits: FrameLimits): Promise<ClientFrame | Refusal> {
  return inTurns(readClientFrameInSlices(bytes, limits));
}

/** The agent's frames, of which the large ones are read and looked through; the others are when they are dealt with. */
export function readLarge(lines: readonly Incoming[], session: Session): Later<readonly Incoming[]> {
  return each(lines, (line) => inTurns(readAndLook(line, session)));
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
export function readLargeOfServer(lines: readonly ServerLine[]): Later<readonly ServerLine[]> {
  return each(lines, async (line) =>
    line.kind === 'line' ? { ...line, frame: await inTurns(readServerFrameInSlices(line.bytes)) } : line,
  );
}

function each<L extends ServerLine | Incoming>(lines: readonly L[], read: (line: L) => Promise<L>): Later<readonly L[]> {
  return lines.some(isLargeLine) ? readEach(lines, read) : lines;
}

async function readEach<L extends ServerLine | Incoming>(lines: readonly L[], read: (line: L) => Promise<L>): Promise<readonly L[]> {
  const all: L[] = [];
  for (const line of lines) all.push(isLargeLine(line) ? await read(line) : line);
  return all;
}

function isLargeLine(line: ServerLine | Incoming): boolean {
  return line.kind === 'line' && isLarge(line.bytes);
}

/** Bytes that count as much as one frame more. */
const PIECE = 2048;

/** How much of a turn a frame takes, roughly, in small frames. */
export function weigh(line: ServerLine | Incoming): number {
  return line.kind === 'line' ? 1 + Math.floor(line.bytes.length / PIECE) : 1;
}
