/** Answers of the proxy's own, on their way to the agent (I9). */

import { readClientFrame } from '../../mcp/messages/client.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { renderError } from '../../mcp/messages/reply.ts';
import type { Exchange, Incoming, ReplyTo } from '../exchange.ts';
import type { Session } from '../state.ts';
import { createBatchAnswer } from './batch.ts';

/** Answers a request, alone or as part of its batch; `code` is that of an error. Never throws: an agent that is gone must not keep others from their answers. */
export function answer(text: string, to: ReplyTo | undefined, session: Session, code?: number): void {
  if (to?.batch) sendBatch(to.batch.add(text), to, session);
  else send(text, to, session, code);
}

/** The client waits for this request no more: its batch is answered without it. */
export function forgo(to: ReplyTo | undefined, session: Session): void {
  if (to?.batch) sendBatch(to.batch.forgo(), to, session);
}

/** The requests in a frame that is not taken in: each gets an answer, under its id where that is known. */
interface Asked {
  readonly ids: readonly (RequestId | undefined)[];
  readonly isBatch: boolean;
}

/** Reads what a frame asks, to refuse it. */
export function askedIn(line: Incoming, session: Session): Asked {
  if (line.kind === 'too_long') return { ids: [line.sender.isRequest ? line.sender.id : undefined], isBatch: false };
  const frame = line.frame ?? readClientFrame(line.bytes, session.limits);
  const items = frame.kind === 'batch' ? frame.items : [frame];
  const ids = items.flatMap((item) => (item.kind === 'request' || item.kind === 'refused' ? [item.id] : []));
  return { ids, isBatch: frame.kind === 'batch' };
}

/** Answers all of them with the same error; those of a batch in one array. */
export function answerAll(
  { ids, isBatch }: Asked,
  error: { readonly code: number; readonly message: string },
  exchange: Exchange | undefined,
  session: Session,
): void {
  const to = { exchange, batch: isBatch ? createBatchAnswer(ids.length) : undefined };
  for (const id of ids) answer(renderError(id?.text ?? null, error.code, error.message), to, session, error.code);
}

function sendBatch(answers: string | undefined, to: ReplyTo, session: Session): void {
  if (answers !== undefined) send(`[${answers}]`, to, session);
}

function send(text: string, to: ReplyTo | undefined, { output, ports }: Session, code?: number): void {
  try {
    output.toAgent([text], to?.exchange, code);
  } catch (error) {
    ports.log.error(`the agent cannot be written to: ${String(error)}`);
  }
}
