/** Which frames of the agent are taken in: those for which there is room (wire.md §2.13). */
import { readClientFrame } from '../mcp/frame.ts';
import type { Line } from '../mcp/lines.ts';
import { renderError } from '../mcp/reply.ts';
import { MAX_BUFFERED } from './buffer.ts';
import { answer } from './deliver.ts';
import { LIMITS } from './from-agent.ts';
import type { Session } from './state.ts';

/** The frames that find room, which is theirs until `dismiss`; the others are refused at once. */
export function admit(lines: readonly Line[], session: Session): readonly Line[] {
  const admitted: Line[] = [];
  for (const line of lines) {
    if (session.buffer.fits(lengthOf(line))) {
      session.buffer.add(lengthOf(line));
      admitted.push(line);
    } else refuse(line, session);
  }
  return admitted;
}

/** Gives up the room of frames that are done with. */
export function dismiss(lines: readonly Line[], { buffer }: Session): void {
  for (const line of lines) buffer.remove(lengthOf(line));
}

function lengthOf(line: Line): number {
  return line.kind === 'line' ? line.bytes.length : 0;
}

const WHY = `more than ${MAX_BUFFERED / 1024 / 1024} MiB wait to be judged`;

/** Requests are answered (I9); what has no answer is dropped. */
function refuse(line: Line, session: Session): void {
  session.deps.log.warn(`refused a frame of the agent (too_many_requests): ${WHY}`);
  const frame = line.kind === 'line' ? readClientFrame(line.bytes, LIMITS) : undefined;
  for (const item of frame?.kind === 'batch' ? frame.items : [frame]) {
    const id = item?.kind === 'request' || item?.kind === 'refused' ? item.id : undefined;
    record(id?.text, session);
    if (item?.kind === 'request' || item?.kind === 'refused') answer(renderError(id?.text ?? null, -32600, WHY), undefined, session);
  }
}

function record(requestId: string | undefined, { deps }: Session): void {
  try {
    deps.audit.write([{ type: 'refused', fields: { reason: 'too_many_requests', message: WHY, request_id: requestId } }]);
  } catch (error) {
    deps.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
  }
}
