/** The server's answers: matched to their request, settled, and passed on (wire.md §2, §3). */
import { deniedCapabilities, isVisible } from '../../core/match.ts';
import { asksForPayment, isTaskHandle } from '../../engine/enforce-answer.ts';
import type { Gate } from '../../engine/gate.ts';
import { TOO_LARGE } from '../../engine/tool-memory.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { FrameBytes, ServerFrame } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { filterTaskPage, filterToolPageInSlices, type ToolPage } from '../../mcp/messages/lists.ts';
import { adjustCapabilities, renderError, withoutDecision } from '../../mcp/messages/reply.ts';
import { receiveCallAnswer } from '../calls/calls.ts';
import { settleByAnswer } from '../calls/tasks.ts';
import type { Passed } from '../deliver.ts';
import { REFUSED, refusedInput, renderRefusal } from '../methods.ts';
import { refusedAsking } from '../payments/challenge-answer.ts';
import type { PendingRequest, Purpose } from '../requests/inflight.ts';
import { taskOpenedBy } from '../requests/own-tasks.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { atOnceOrInTurns } from '../turns.ts';
import { restoreAnswer } from './restore.ts';

type Response = Extract<ServerFrame, { kind: 'response' }>;
type Answer = Response | Extract<ServerFrame, { kind: 'unreadable' }>;

/** Answers what the agent gets of an answer: nothing where no request of this session has its id. */
export async function receiveResponse(frame: Answer, bytes: FrameBytes, gate: Gate, session: Session): Promise<Passed | undefined> {
  const { inflight } = session;
  const request = frame.id && inflight.answer(frame.id);
  if (!request) {
    session.ports.log.warn(
      frame.kind === 'unreadable' ? `dropped an unreadable message of the server: ${frame.why}` : 'dropped an answer to no request',
    );
    return undefined;
  }
  const { to } = request;
  if (to?.exchange) inflight.answering.begin(request);
  let passed = await answerFor(frame, bytes, request, gate, session);
  // An answer to an element of a batch waits for the others.
  if (to?.batch && passed !== undefined) passed = to.batch.add(String(passed === bytes ? elementText(frame) : passed));
  if (passed !== undefined) return { bytes: passed, exchange: to?.exchange, inArray: to?.batch !== undefined, answers: request };
  if (to?.exchange) inflight.answering.end(request);
  return undefined;
}

async function answerFor(
  frame: Answer,
  bytes: FrameBytes,
  request: PendingRequest,
  gate: Gate,
  session: Session,
): Promise<FrameBytes | undefined> {
  if (frame.kind === 'unreadable') return refuseUnreadable(frame.why, request, session);
  try {
    const isKnown = request.sentAs === request.id && frame.id?.key === request.id.key;
    if (isKnown) return await receiveAnswer(frame, bytes, request, gate, session);
    const restored = restoreAnswer(frame, request);
    return await receiveAnswer(restored.frame, restored.bytes, request, gate, session);
  } catch (error) {
    return refuseUnreadable(`internal fault: ${error}`, request, session);
  }
}

function elementText(frame: Answer): string {
  return frame.kind === 'response' ? frame.text.slice(frame.span.start, frame.span.end) : '';
}

/** SPEC: wire.md §2 — what cannot be read with certainty becomes an error, and the outcome is unknown. */
async function refuseUnreadable(why: string, request: PendingRequest, session: Session): Promise<FrameBytes | undefined> {
  const { purpose, id } = request;
  if (purpose.kind === 'own') purpose.resolve(undefined);
  if (purpose.kind === 'own' || purpose.kind === 'answered') return undefined;
  if (purpose.kind === 'call') await settle([{ call: purpose.call, outcome: { result: 'kept', error: why } }], session);
  session.ports.log.warn(`refused an answer of the server: ${why}`);
  return renderError(id.text, -32603, `the server's answer could not be read: ${why}`);
}

type Answering = FrameBytes | undefined | Promise<FrameBytes | undefined>;

function receiveAnswer(frame: Response, bytes: FrameBytes, request: PendingRequest, gate: Gate, session: Session): Answering {
  const { purpose, method } = request;
  const opened = session.ownTasks && method === 'tools/call' && isTaskHandle(frame) ? taskOpenedBy(frame) : undefined;
  if (opened !== undefined) session.ownTasks?.add(opened);
  const embedded = frame.members.has('inputRequests') ? embeddedRefusal(frame, request.id, gate, session) : undefined;
  switch (purpose.kind) {
    case 'own':
      purpose.resolve(frame);
      return undefined;
    case 'answered':
      return undefined;
    case 'call':
      return receiveCallAnswer(frame, bytes, request, purpose, embedded, gate, session);
    case 'tools/list':
    case 'tasks/list':
      return receiveList(frame, bytes, request, purpose, gate, session);
    case 'task':
      return receiveTask(frame, bytes, request, purpose.taskId, embedded, gate, session);
    default:
      return receiveOther(frame, bytes, request, embedded, gate, session);
  }
}

/** A server may name prices where it describes itself and its tools; only what is put to a wallet asks for a payment. */
async function receiveList(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  purpose: Extract<Purpose, { kind: 'tools/list' | 'tasks/list' }>,
  gate: Gate,
  session: Session,
): Promise<FrameBytes> {
  // A list is known before the next message says that it changed: what is here is not waited for.
  const asking = refusedList(frame, request, gate, session);
  const refused = asking instanceof Promise ? await asking : asking;
  if (refused !== undefined) return refused;
  if (frame.outcome === 'error') return bytes;
  if (purpose.kind === 'tasks/list') return ownTasksOf(frame, bytes, request, session);
  return listFor(frame, bytes, request, purpose.cursor, gate, session);
}

async function receiveTask(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  taskId: string | undefined,
  embedded: string | undefined,
  gate: Gate,
  session: Session,
): Promise<FrameBytes> {
  await settleByAnswer(request.method, taskId, frame, session);
  return (await refusedAsking(frame, request, gate, session)) ?? embedded ?? withoutMark(frame, bytes);
}

async function receiveOther(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  embedded: string | undefined,
  gate: Gate,
  session: Session,
): Promise<FrameBytes> {
  if (request.method !== 'initialize' && request.method !== 'server/discover')
    return (await refusedAsking(frame, request, gate, session)) ?? embedded ?? withoutMark(frame, bytes);
  return (await refusedList(frame, request, gate, session)) ?? learnProtocol(frame, bytes, request.method, gate, session);
}

/** SECURITY: what a server answers carries no mark of a decision. */
function withoutMark(frame: Response, bytes: FrameBytes): FrameBytes {
  return frame.outcome === 'result' ? (withoutDecision(frame) ?? bytes) : bytes;
}

function embeddedRefusal(frame: Response, id: RequestId, gate: Gate, session: Session): string | undefined {
  const refused = refusedInput(readMember(frame, 'inputRequests'), gate);
  if (refused === 'unreadable') return renderError(id.text, REFUSED, 'the server asks for input in a form that cannot be read');
  return refused && renderRefusal(id.text, refused, session.ports.clock());
}

function refusedList(
  frame: Response,
  request: PendingRequest,
  gate: Gate,
  session: Session,
): string | undefined | Promise<string | undefined> {
  return frame.outcome === 'error' || asksForPayment(frame) ? refusedAsking(frame, request, gate, session) : undefined;
}

/** SPEC: wire.md §3 — hidden and unlisted tools leave every page; a page that cannot be read is an error, not a leak. */
async function listFor(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  cursor: string | undefined,
  { rulebook }: Gate,
  session: Session,
): Promise<FrameBytes> {
  const keep = (name: string) => rulebook !== undefined && isVisible(rulebook.policy, rulebook.match(name));
  const { changes } = session.tools;
  const reading = atOnceOrInTurns(filterToolPageInSlices(frame, keep, request.modern));
  const page = reading instanceof Promise ? await reading : reading;
  return showList(page, bytes, request, cursor, changes, session);
}

function showList(
  page: ToolPage,
  bytes: FrameBytes,
  { id }: PendingRequest,
  cursor: string | undefined,
  changes: number,
  { ports, tools }: Session,
): FrameBytes {
  const { log } = ports;
  if (page.kind === 'unreadable') {
    log.warn(`refused a tool list of the server: ${page.why}`);
    return renderError(id.text, -32603, `the server's tool list could not be read: ${page.why}`);
  }
  if (page.unread.length > 0) log.warn(`took ${page.unread.length} out of a tool list of the server: ${page.unread[0]}`);
  // A list that changed while it was read is shown as it was, and is not what is known of the server.
  const taken = changes === tools.changes ? tools.page(page.tools, cursor, page.nextCursor) : 'taken';
  if (taken === 'too many pages') return renderError(id.text, -32603, 'the tool list has too many pages');
  if (taken === 'too large') log.warn(`the server's tool list is not kept: ${TOO_LARGE}`);
  return page.removed > 0 ? page.text : bytes;
}

/** SPEC: wire.md §2.7 — where agents share the server, each sees the tasks that it opened. */
async function ownTasksOf(frame: Response, bytes: FrameBytes, { id }: PendingRequest, { ownTasks, ports }: Session): Promise<FrameBytes> {
  if (!ownTasks) return withoutDecision(frame) ?? bytes;
  const page = await atOnceOrInTurns(filterTaskPage(frame, ownTasks.has));
  if (page.kind === 'page') return page.removed > 0 ? page.text : bytes;
  ports.log.warn(`refused a task list of the server: ${page.why}`);
  return renderError(id.text, -32603, `the server's task list could not be read: ${page.why}`);
}

function learnProtocol(frame: Response, bytes: FrameBytes, method: string, { rulebook }: Gate, { protocol }: Session): FrameBytes {
  if (frame.outcome !== 'result') return bytes;
  const version = readMember(frame, 'protocolVersion');
  if (method === 'initialize' && typeof version === 'string') protocol.version = version;
  return adjustCapabilities(frame, rulebook ? deniedCapabilities(rulebook.policy) : []);
}
