/** What goes on to the agent of what the server sent. */

import type { FrameBytes } from '../../mcp/messages/frame.ts';
import type { Exchange } from '../exchange.ts';
import type { PendingRequest } from '../requests/inflight.ts';
import type { Session } from '../state.ts';

/** A message for the agent, or messages with commas between them that belong into one array. */
export interface Passed {
  readonly bytes: FrameBytes;
  readonly exchange: Exchange | undefined;
  readonly inArray: boolean;
  /** The request that it answers. */
  readonly answers?: PendingRequest | undefined;
}

/** The bytes of one frame. */
export function frameOf({ bytes, inArray }: Passed): FrameBytes {
  return inArray ? `[${bytes}]` : bytes;
}

/** Messages that came in one array, as one array for each exchange that they go to. */
export function joinPassed(parts: readonly Passed[]): readonly Passed[] {
  const joined = new Map<Exchange | undefined, string[]>();
  for (const { bytes, exchange } of parts) joined.set(exchange, [...(joined.get(exchange) ?? []), String(bytes)]);
  return [...joined].map(([exchange, texts]) => ({ bytes: texts.join(','), exchange, inArray: true }));
}

/** Writes in order; what follows each other and goes to one exchange is one write. An agent that is gone keeps no other from its frames. */
export function writePassed(passed: readonly Passed[], session: Session): void {
  const { output, ports } = session;
  let frames: FrameBytes[] = [];
  for (const [index, one] of passed.entries()) {
    frames.push(frameOf(one));
    endAnswer(one, session);
    if (index + 1 < passed.length && passed[index + 1]?.exchange === one.exchange) continue;
    try {
      output.toAgent(frames, one.exchange);
    } catch (error) {
      ports.log.error(`the agent cannot be written to: ${String(error)}`);
    }
    frames = [];
  }
}

/** Its request waits no more: what is written next is its answer. */
export function endAnswer({ answers }: Passed, { inflight }: Session): void {
  if (answers) inflight.answering.end(answers);
}
