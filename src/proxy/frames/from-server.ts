/** Frames from the server: settled, filtered where the policy hides, otherwise passed on as they came (wire.md §2.9, §3). */
import type { AuditEvent } from '../../core/audit.ts';
import type { Denial } from '../../core/decision.ts';
import { methodDenial } from '../../core/plan.ts';
import { type Gate, readGate } from '../../engine/gate.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { FrameBytes, ServerFrame } from '../../mcp/messages/frame.ts';
import type { Line } from '../../mcp/messages/lines.ts';
import { markOwnWords, renderError } from '../../mcp/messages/reply.ts';
import { readServerFrame } from '../../mcp/messages/server.ts';
import { settleByNotification } from '../calls/tasks.ts';
import { endAnswer, ownReply, type Passed, writePassed } from '../deliver.ts';
import type { Exchange, ServerLine } from '../exchange.ts';
import { refusalOf, refusedInput, renderRefusal } from '../methods.ts';
import { UNLIMITED } from '../payments/challenge.ts';
import { isPriced } from '../payments/challenge-answer.ts';
import type { Session } from '../state.ts';
import { requestEvent } from './request-record.ts';
import { receiveResponse } from './response.ts';
import { likelyExchange, relate } from './restore.ts';

type Single = Exclude<ServerFrame, { kind: 'batch' }>;

/** Takes frames that arrived together. Resolves when all that concern the agent were written. */
export async function receiveFromServer(lines: readonly ServerLine[], session: Session): Promise<void> {
  const reading = readGate(session.served, session.ports);
  const gate = reading instanceof Promise ? await reading : reading;
  session.outcomes.hold();
  // Each is begun when the one before was, and none waits for another's settlement: those that come together share a transaction.
  const [only] = lines;
  const passed =
    lines.length === 1 && only
      ? await receiveLine(only, gate, session)
      : (await Promise.all(lines.map((line) => receiveLine(line, gate, session)))).flat();
  try {
    if (passed.length > 0) writePassed(passed, session);
  } finally {
    // The agent need not wait for the record of how its call ended; the next frames do.
    session.outcomes.flush();
  }
}

/** One JSON body, or the data of one SSE event, that came for the agent: the one frame that may go on in its place, or none. */
export async function relayFromServer(line: ServerLine, session: Session): Promise<readonly FrameBytes[]> {
  const reading = readGate(session.served, session.ports);
  const gate = reading instanceof Promise ? await reading : reading;
  const received = await receiveLine(line, gate, session);
  for (const one of received) endAnswer(one, session);
  const passed = isArray(line) ? joinPassed(received) : received;
  // What came in one array goes on in one, whoever asked for what stands in it: it is all on the agent's own stream.
  if (passed.length > 1) return [`[${passed.map(({ bytes }) => String(bytes)).join(',')}]`];
  return passed.map(({ bytes, inArray }) => (inArray ? `[${bytes}]` : bytes));
}

/** Messages that came in one array, as one array for each exchange that they go to. */
function joinPassed(parts: readonly Passed[]): readonly Passed[] {
  const joined = new Map<Exchange | undefined, string[]>();
  for (const { bytes, exchange } of parts) joined.set(exchange, [...(joined.get(exchange) ?? []), String(bytes)]);
  return [...joined].map(([exchange, texts]) => ({ bytes: texts.join(','), exchange, inArray: true }));
}

function isArray(line: ServerLine): boolean {
  return line.kind === 'line' && line.bytes.find((byte) => !SPACE.has(byte)) === OPENING;
}

const SPACE: ReadonlySet<number> = new Set([9, 10, 13, 32]);
const OPENING = 91;

/** INVARIANT I9: a fault over one message must not cost the others that came with it their answers. */
async function receiveLine(line: ServerLine, gate: Gate, session: Session): Promise<readonly Passed[]> {
  try {
    if (line.kind === 'too_long') return listOf(await receiveOversized(line, gate, session));
    const frame = line.frame ?? readServerFrame(line.bytes);
    const marked = 'text' in frame ? markOwnWords(frame.text) : undefined;
    if (marked === undefined) return await receiveFrame(frame, line.bytes, gate, session);
    session.ports.log.warn('marked a text of the server that sounds like Intercept');
    return await receiveFrame(readServerFrame(new TextEncoder().encode(marked)), marked, gate, session);
  } catch (error) {
    return faulted(error, session);
  }
}

function faulted(error: unknown, { ports }: Session): readonly Passed[] {
  ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
  return NOTHING;
}

const NOTHING: readonly Passed[] = [];

function listOf(passed: Passed | undefined): readonly Passed[] {
  return passed ? [passed] : NOTHING;
}

/** Refuses a frame that cannot be read: the request that it answers ends, and so does the one that it asks. */
function receiveOversized(
  { sender }: Extract<Line, { kind: 'too_long' }>,
  gate: Gate,
  session: Session,
): Promise<Passed | undefined> | undefined {
  const why = 'it is larger than --max-message';
  if (!sender.isRequest) return receiveResponse({ kind: 'unreadable', id: sender.id, why }, '', gate, session);
  session.ports.log.warn(`refused a request of the server: ${why}`);
  if (sender.id) session.output.toServer([ownReply(renderError(sender.id.text, -32600, `the message was refused: ${why}`))]);
  return undefined;
}

/** SPEC: wire.md §2.1 — arrays exist in one revision alone: what came in one is written message by message, but for the answers to a batch. */
async function receiveFrame(frame: ServerFrame, bytes: FrameBytes, gate: Gate, session: Session): Promise<readonly Passed[]> {
  if (frame.kind !== 'batch') {
    const passed = await receiveSingle(frame, bytes, gate, session);
    return passed ? [passed] : NOTHING;
  }
  const received = frame.items.map(async (item) => {
    try {
      return listOf(await receiveSingle(item, textOf(item), gate, session));
    } catch (error) {
      return faulted(error, session);
    }
  });
  return (await Promise.all(received)).flat();
}

function textOf(item: Single): string {
  return 'span' in item ? item.text.slice(item.span.start, item.span.end) : '';
}

type Passing = Promise<Passed | undefined> | Passed | undefined;

function receiveSingle(frame: Single, bytes: FrameBytes, gate: Gate, session: Session): Passing {
  switch (frame.kind) {
    case 'response':
    case 'unreadable':
      return receiveResponse(frame, bytes, gate, session);
    case 'request':
      return receiveRequest(frame, bytes, gate, session);
    case 'notification':
      return receiveNotification(frame, bytes, gate, session);
    case 'error_without_id':
      return receiveNamelessError(frame, bytes, gate, session);
    case 'noise':
      session.ports.log.warn('dropped a line of the server that is not JSON', beginningOf(bytes));
      return undefined;
  }
}

/** The beginning of a line as text: enough of it that the log finds whole secrets in it. */
function beginningOf(bytes: FrameBytes): string {
  return typeof bytes === 'string' ? bytes.slice(0, MOST_TOLD) : new TextDecoder().decode(bytes.subarray(0, MOST_TOLD));
}

/** Bytes of a dropped line that the log gets to see. */
const MOST_TOLD = 16_384;

async function receiveNamelessError(
  frame: Extract<Single, { kind: 'error_without_id' }>,
  bytes: FrameBytes,
  gate: Gate,
  session: Session,
): Promise<Passed | undefined> {
  if (!(await isPriced(frame, gate))) return { bytes, exchange: undefined, inArray: false };
  session.ports.log.warn('dropped an error of the server that names no request and asks for a payment');
  return undefined;
}

/** Sampling, elicitation and roots: `methods` holds in this direction, too. */
async function receiveRequest(
  frame: Extract<Single, { kind: 'request' }>,
  bytes: FrameBytes,
  gate: Gate,
  session: Session,
): Promise<Passed | undefined> {
  const refused = refusalOf(frame.method, gate);
  if (refused) return passRequest(frame, bytes, refused, gate, session);
  const exchange = session.replaceIds ? likelyExchange(session) : undefined;
  // SPEC: policy.md §8 — a challenge may stand anywhere, and only a call may be paid for.
  const asks = await isPriced(frame, gate);
  return passRequest(frame, bytes, asks ? UNLIMITED : undefined, gate, session, exchange);
}

function passRequest(
  frame: Extract<Single, { kind: 'request' }>,
  bytes: FrameBytes,
  refused: Denial | undefined,
  gate: Gate,
  session: Session,
  exchange?: Exchange,
): Passed | undefined {
  const event = requestEvent('server', frame, refused, gate, session);
  const written = !event || tryWrite(event, session) || gate.rulebook?.policy.mode === 'shadow';
  if (!refused && written) session.asked.note(frame.id.key, frame.method);
  if (!refused && written) return { bytes, exchange, inArray: false };
  session.output.toServer([ownReply(renderRefusal(frame.id.text, refused ?? AUDIT_REFUSAL, session.ports.clock()))]);
  return undefined;
}

const AUDIT_REFUSAL = {
  code: 'audit_error',
  rule: '(audit)',
  message: 'Internal policy error',
  why: undefined,
  retryAt: undefined,
} as const;

function tryWrite(event: AuditEvent, { ports }: Session): boolean {
  try {
    ports.audit.write([event]);
    return true;
  } catch (error) {
    ports.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Finds the owner before anything is waited for: the next frame is begun meanwhile, and may end what this one is about. */
async function receiveNotification(
  frame: Extract<Single, { kind: 'notification' }>,
  bytes: FrameBytes,
  gate: Gate,
  session: Session,
): Promise<Passed | undefined> {
  const policy = gate.rulebook?.policy;
  const denied = policy?.mode === 'enforce' ? methodDenial(frame.method, policy) : undefined;
  if (denied) {
    const event = requestEvent('server', frame, denied, gate, session);
    if (event) tryWrite(event, session);
    return undefined;
  }
  if (frame.method === 'notifications/tools/list_changed') forgetTools(session);
  const passed: Passed = { ...relate(frame, bytes, session), inArray: false };
  const isStatus = frame.method === 'notifications/tasks/status' || frame.method === 'notifications/tasks';
  if (isStatus) await settleByNotification(frame, session);
  if (!(await isRefused(frame, isStatus, gate))) return passed;
  session.ports.log.warn(`dropped a ${frame.method} of the server that asks for what the policy refuses`);
  return undefined;
}

/** SPEC: policy.md §8: of a task, too, only the call that opened it may be paid for. */
function isRefused(frame: Extract<Single, { kind: 'notification' }>, isStatus: boolean, gate: Gate): boolean | Promise<boolean> {
  const asked = isStatus ? readMember(frame, 'inputRequests') : undefined;
  return (asked !== undefined && refusedInput(asked, gate) !== undefined) || isPriced(frame, gate);
}

/** A list that changed may be one that can be read now. */
function forgetTools(session: Session): void {
  session.tools.stale();
  session.listing.againAt = 0;
}
