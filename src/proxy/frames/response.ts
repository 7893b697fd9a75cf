/** The server's answers: matched to their request, settled, and passed on (wire.md §2, §3). */
import { isVisible } from '../../core/match.ts';
import { asksForPayment, isTaskHandle } from '../../engine/enforce-answer.ts';
import type { Gate } from '../../engine/gate.ts';
import { attempt, type Later, then } from '../../engine/later.ts';
import { TOO_LARGE } from '../../engine/tool-memory.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { FrameBytes, ServerFrame } from '../../mcp/messages/frame.ts';
import { otherSpelling, type RequestId } from '../../mcp/messages/id.ts';
import { filterTaskPage, filterToolPageInSlices, type ToolPage } from '../../mcp/messages/lists.ts';
import { declareListChanged, renderError, withoutDecision } from '../../mcp/messages/reply.ts';
import { receiveCallAnswer } from '../calls/calls.ts';
import { settleByAnswer } from '../calls/tasks.ts';
import { REFUSED, refusedInput, renderRefusal } from '../gate.ts';
import { refusedAsking } from '../payments/challenge-answer.ts';
import type { PendingRequest } from '../requests/inflight.ts';
import { taskOpenedBy } from '../requests/own-tasks.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { atOnceOrInTurns } from '../turns.ts';
import type { Passed } from './passed.ts';
import { restoreAnswer } from './restore.ts';

type Response = Extract<ServerFrame, { kind: 'response' }>;
type Answer = Response | Extract<ServerFrame, { kind: 'unreadable' }>;

/** What the agent gets of an answer: nothing where no request of this session has its id. */
export function receiveResponse(frame: Answer, bytes: FrameBytes, gate: Gate, session: Session): Later<Passed | undefined> {
  const request = frame.id && takeRequest(frame.id, session);
  const isAsSent = request?.sentAs.key === frame.id?.key;
  if (!request) {
    session.ports.log.warn(
      frame.kind === 'unreadable' ? `dropped an unreadable message of the server: ${frame.why}` : 'dropped an answer to no request',
    );
    return undefined;
  }
  session.inflight.answering.begin(request);
  if (frame.kind === 'unreadable') return then(refuseUnreadable(frame.why, request, session), (passed) => passOn(passed, request, session));
  const answered = attempt(
    () => {
      const restored = restoreAnswer(frame, bytes, request, isAsSent);
      return receiveAnswer(restored.frame, restored.bytes, request, gate, session);
    },
    (error) => refuseUnreadable(`internal fault: ${error}`, request, session),
  );
  return then(answered, (passed) => passOn(passed === bytes && request.to?.batch ? elementText(frame) : passed, request, session));
}

/** SECURITY: a call that is still being judged was not sent, so nothing can be an answer to it. */
function takeRequest(id: RequestId, { inflight }: Session): PendingRequest | undefined {
  const key = keyOf(id, inflight);
  return inflight.get(key)?.purpose.kind === 'judging' ? undefined : inflight.take(key);
}

/** Where no request has this id, the other type of it is as good: that is how clients read it. */
function keyOf(id: RequestId, inflight: Session['inflight']): string {
  const other = inflight.has(id.key) ? undefined : otherSpelling(id);
  return other !== undefined && inflight.get(other) ? other : id.key;
}

/** An answer to an element of a batch waits for the others. */
function passOn(passed: FrameBytes | undefined, request: PendingRequest, { inflight }: Session): Passed | undefined {
  const { to } = request;
  const bytes = passed !== undefined && to?.batch ? to.batch.add(String(passed)) : passed;
  if (bytes !== undefined) return { bytes, exchange: to?.exchange, inArray: to?.batch !== undefined, answers: request };
  inflight.answering.end(request);
  return undefined;
}

function elementText({ text, span }: Response): string {
  return text.slice(span.start, span.end);
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

function receiveAnswer(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  gate: Gate,
  session: Session,
): Later<FrameBytes | undefined> {
  const { purpose } = request;
  const opened = session.ownTasks && request.method === 'tools/call' && isTaskHandle(frame) ? taskOpenedBy(frame) : undefined;
  if (opened !== undefined) session.ownTasks?.add(opened);
  const passed = () => embedded ?? (frame.outcome === 'result' ? (withoutDecision(frame) ?? bytes) : bytes);
  const embedded = embeddedRefusal(frame, request.id, gate, session);
  switch (purpose.kind) {
    case 'own':
      purpose.resolve(frame);
      return undefined;
    case 'answered':
      return undefined;
    case 'call':
      return receiveCallAnswer(frame, bytes, request, purpose, embedded, gate, session);
    case 'tools/list':
      return unless(refusedList(frame, request, gate, session), () => listFor(frame, bytes, request, purpose.cursor, gate, session));
    case 'tasks/list':
      return unless(refusedList(frame, request, gate, session), () => ownTasksOf(frame, bytes, request, session));
    case 'task':
      return settleByAnswer(request.method, purpose.taskId, frame, session).then(() =>
        unless(refusedAsking(frame, request, gate, session), passed),
      );
    default:
      if (request.method === 'initialize' || request.method === 'server/discover')
        return unless(refusedList(frame, request, gate, session), () => learnProtocol(frame, bytes, request.method, session));
      return unless(refusedAsking(frame, request, gate, session), passed);
  }
}

function unless(refusal: Later<string | undefined>, otherwise: () => Later<FrameBytes>): Later<FrameBytes> {
  return then(refusal, (refused) => refused ?? otherwise());
}

function embeddedRefusal(frame: Response, id: RequestId, gate: Gate, session: Session): string | undefined {
  const refused = refusedInput(readMember(frame, 'inputRequests'), gate);
  if (refused === 'unreadable') return renderError(id.text, REFUSED, 'the server asks for input in a form that cannot be read');
  return refused && renderRefusal(id.text, refused, session.ports.clock());
}

/** What a server says of itself and its tools may speak of prices; only what is put to a wallet asks for a payment. */
function refusedList(frame: Response, request: PendingRequest, gate: Gate, session: Session): Later<string | undefined> {
  return frame.outcome === 'error' || asksForPayment(frame) ? refusedAsking(frame, request, gate, session) : undefined;
}

/** SPEC: wire.md §3 — hidden and unlisted tools leave every page; a page that cannot be read is an error, not a leak. */
function listFor(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  cursor: string | undefined,
  { rulebook }: Gate,
  session: Session,
): Later<FrameBytes> {
  if (frame.outcome === 'error') return bytes;
  const keep = (name: string) => rulebook !== undefined && isVisible(rulebook.policy, rulebook.match(name));
  const { changes } = session.tools;
  return then(atOnceOrInTurns(filterToolPageInSlices(frame, keep, request.modern)), (page) =>
    showList(page, bytes, request, cursor, changes, session),
  );
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
function ownTasksOf(frame: Response, bytes: FrameBytes, { id }: PendingRequest, { ownTasks, ports }: Session): Later<FrameBytes> {
  if (frame.outcome === 'error') return bytes;
  if (!ownTasks) return withoutDecision(frame) ?? bytes;
  return then(atOnceOrInTurns(filterTaskPage(frame, ownTasks.has)), (page) => {
    if (page.kind === 'page') return page.removed > 0 ? page.text : bytes;
    ports.log.warn(`refused a task list of the server: ${page.why}`);
    return renderError(id.text, -32603, `the server's task list could not be read: ${page.why}`);
  });
}

function learnProtocol(frame: Response, bytes: FrameBytes, method: string, { protocol }: Session): FrameBytes {
  if (frame.outcome !== 'result') return bytes;
  const version = readMember(frame, 'protocolVersion');
  if (method === 'initialize' && typeof version === 'string') protocol.version = version;
  return declareListChanged(frame);
}
