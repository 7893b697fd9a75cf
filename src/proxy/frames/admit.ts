/** Which frames of the agent are taken in: those for which there is room (wire.md §2.13). */

import type { Incoming } from '../exchange.ts';
import type { Session } from '../state.ts';
import { answerAll, askedIn } from './answer.ts';
import { MAX_BUFFERED } from './buffer.ts';

/** The frames that find room, which is theirs until `dismiss`; the others are refused at once. */
export function admit(lines: readonly Incoming[], session: Session): readonly Incoming[] {
  const admitted: Incoming[] = [];
  for (const line of lines) {
    if (session.buffer.fits(lengthOf(line))) {
      session.buffer.add(lengthOf(line));
      admitted.push(line);
    } else refuse(line, session);
  }
  return admitted;
}

/** Gives up the room of frames that are done with. */
export function dismiss(lines: readonly Incoming[], { buffer }: Session): void {
  for (const line of lines) buffer.remove(lengthOf(line));
}

function lengthOf(line: Incoming): number {
  return line.kind === 'line' ? line.bytes.length : 0;
}

const WHY = `more than ${MAX_BUFFERED / 1024 / 1024} MiB wait to be judged`;

/** Requests are answered (I9); what has no answer is dropped. */
function refuse(line: Incoming, session: Session): void {
  session.ports.log.warn(`refused a frame of the agent (too_many_requests): ${WHY}`);
  const asked = askedIn(line, session);
  for (const id of asked.ids.length > 0 ? asked.ids : [undefined]) record(id?.text, session);
  answerAll(asked, { code: -32600, message: WHY }, line.exchange, session);
}

function record(requestId: string | undefined, { ports }: Session): void {
  try {
    ports.audit.write([{ type: 'refused', fields: { reason: 'too_many_requests', message: WHY, request_id: requestId } }]);
  } catch (error) {
    ports.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
  }
}
