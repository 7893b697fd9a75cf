/** The server's answers: matched to their request, settled, and passed on (wire.md §2, §3). */
import type { Json } from '../core/json.ts';
import { isVisible } from '../core/match.ts';
import type { RequestId, ServerFrame } from '../mcp/frame.ts';
import { readJson } from '../mcp/json.ts';
import { filterToolPage } from '../mcp/list.ts';
import { declareListChanged, renderError, withoutDecision } from '../mcp/reply.ts';
import { sameCall } from './calls.ts';
import { REFUSED, refusedInput, renderRefusal } from './gate.ts';
import type { PendingRequest } from './inflight.ts';
import { type ForwardedCall, isTaskHandle, outcomeOf, settle } from './settle.ts';
import type { FrameBytes, Gate, Session } from './state.ts';
import { keepTask, settleByAnswer } from './task-outcome.ts';

type Response = Extract<ServerFrame, { kind: 'response' }>;
type Answer = Response | Extract<ServerFrame, { kind: 'unreadable' }>;

/** What the agent gets of an answer: nothing where no request of this session has its id. */
export async function receiveResponse(frame: Answer, bytes: FrameBytes, gate: Gate, session: Session): Promise<readonly FrameBytes[]> {
  const request = frame.id && session.inflight.take(frame.id.key);
  if (!request) {
    session.deps.log.warn(
      frame.kind === 'unreadable' ? `dropped an unreadable message of the server: ${frame.why}` : 'dropped an answer to no request',
    );
    return [];
  }
  const passed = await (frame.kind === 'unreadable'
    ? refuseUnreadable(frame.why, request, session)
    : receiveAnswer(frame, bytes, request, gate, session).catch((error) => refuseUnreadable(`internal fault: ${error}`, request, session)));
  if (passed === undefined) return [];
  if (!request.batch) return [passed];
  request.batch.add(
    typeof passed === 'string' ? passed : (frame as Response).text.slice((frame as Response).span.start, (frame as Response).span.end),
  );
  return [];
}

/** SPEC: wire.md §2 — what cannot be read with certainty becomes an error, and the outcome is unknown. */
async function refuseUnreadable(why: string, request: PendingRequest, session: Session): Promise<FrameBytes | undefined> {
  const { purpose, id } = request;
  if (purpose.kind === 'own') purpose.resolve(undefined);
  if (purpose.kind === 'own' || purpose.kind === 'answered') return undefined;
  if (purpose.kind === 'call') await settle([{ call: purpose.call, outcome: { result: 'kept', error: why } }], session);
  session.deps.log.warn(`refused an answer of the server: ${why}`);
  return renderError(id.text, -32603, `the server's answer could not be read: ${why}`);
}

async function receiveAnswer(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  gate: Gate,
  session: Session,
): Promise<FrameBytes | undefined> {
  const { purpose } = request;
  const embedded = embeddedRefusal(frame, request.id, gate, session);
  switch (purpose.kind) {
    case 'own':
      purpose.resolve(frame);
      return undefined;
    case 'answered':
      return undefined;
    case 'call':
      if (embedded) await settle([{ call: purpose.call, outcome: { result: 'kept', error: 'asks for what the policy refuses' } }], session);
      else await settleCall(frame, purpose.call, session);
      break;
    case 'tools/list':
      return frame.outcome === 'result' ? listFor(frame, bytes, request, purpose.cursor, gate, session) : bytes;
    case 'task':
      await settleByAnswer(request.method, purpose.taskId, frame, session);
      break;
    default:
      if (request.method === 'initialize' || request.method === 'server/discover')
        return learnProtocol(frame, bytes, request.method, session);
  }
  return embedded ?? (frame.outcome === 'result' ? (withoutDecision(frame) ?? bytes) : bytes);
}

async function settleCall(frame: Response, call: ForwardedCall, session: Session): Promise<void> {
  const outcome = outcomeOf(frame);
  if (outcome) return settle([{ call, outcome }], session);
  if (isTaskHandle(frame)) return keepTask(frame, call, session);
  const state = memberOf(frame, 'requestState');
  session.legs.keep(sameCall(call.call, session), typeof state === 'string' ? state : undefined, call, session.deps.clock());
}

function embeddedRefusal(frame: Response, id: RequestId, gate: Gate, session: Session): string | undefined {
  const refused = refusedInput(memberOf(frame, 'inputRequests'), gate);
  if (refused === 'unreadable') return renderError(id.text, REFUSED, 'the server asks for input in a form that cannot be read');
  return refused && renderRefusal(id.text, refused, session.deps.clock());
}

/** SPEC: wire.md §3 — hidden and unlisted tools leave every page; a page that cannot be read is an error, not a leak. */
function listFor(
  frame: Response,
  bytes: FrameBytes,
  request: PendingRequest,
  cursor: string | undefined,
  { rulebook }: Gate,
  session: Session,
): FrameBytes {
  const page = filterToolPage(frame, (name) => rulebook !== undefined && isVisible(rulebook.policy, rulebook.match(name)), request.modern);
  if (page.kind === 'unreadable') {
    session.deps.log.warn(`refused a tool list of the server: ${page.why}`);
    return renderError(request.id.text, -32603, `the server's tool list could not be read: ${page.why}`);
  }
  if (!session.tools.page(page.tools, cursor, page.nextCursor))
    return renderError(request.id.text, -32603, 'the tool list has too many pages');
  return page.removed > 0 ? page.text : bytes;
}

function learnProtocol(frame: Response, bytes: FrameBytes, method: string, { protocol }: Session): FrameBytes {
  if (frame.outcome !== 'result') return bytes;
  const version = memberOf(frame, 'protocolVersion');
  if (method === 'initialize' && typeof version === 'string') protocol.version = version;
  return declareListChanged(frame);
}

function memberOf({ members, text }: Response, name: string): Json | undefined {
  const span = members.get(name);
  return span && readJson(text, span.start);
}
