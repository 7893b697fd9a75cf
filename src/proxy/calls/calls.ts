/** Tool calls: from the agent to judgement and on, and their answers on the way back. */
import { DECISION_KEY, renderDenial } from '../../core/answer.ts';
import { INTERNAL_ERROR } from '../../core/conclude.ts';
import type { Call } from '../../core/decision.ts';
import { denial } from '../../core/plan.ts';
import { type Arrival, type ForwardedCall, type Holding, NO_HOLDING } from '../../engine/arrival.ts';
import { answerIn, enforceAnswer, isTaskHandle } from '../../engine/enforce-answer.ts';
import { type Gate, readGate } from '../../engine/gate.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { FrameBytes, ResponseFrame } from '../../mcp/messages/frame.ts';
import { renderReplay, renderToolResult, withoutDecision } from '../../mcp/messages/reply.ts';
import { MODERN } from '../../mcp/messages/revisions.ts';
import { deliver, type Route, refuse } from '../deliver.ts';
import { type Enforced, enforce } from '../enforce.ts';
import { learnTools } from '../learn-tools.ts';
import { answerChallenge, challengeIn } from '../payments/challenge-answer.ts';
import { MAX_IN_FLIGHT, type PendingRequest, type Purpose } from '../requests/inflight.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';
import { type Ending, type Final, isKeptOpen, type Outcome, progressOf, setAside, waitToEnd } from '../waiting/open-calls.ts';
import { endPage, renderAsking, showPage } from '../waiting/pages.ts';
import { keepTask } from './tasks.ts';

type Judging = Extract<Route, { kind: 'judge' }>;

/** Replaces each call by what becomes of it. Calls that wait for something are kept open and go out on their own. */
export async function enforceCalls(routes: readonly Route[], gate: Gate, session: Session): Promise<readonly Route[]> {
  const ready: Judging[] = [];
  const ended = new Map<Judging, Route>();
  for (const route of routes) {
    if (route.kind !== 'judge') continue;
    const needed = neededFor(route, gate, session);
    if (!needed) ready.push(route);
    else if (session.waiting.size < MAX_IN_FLIGHT) setAside(route, () => learnThenJudge(route, needed, session), session);
    else ended.set(route, refuseWaiting(route, session));
  }
  if (ready.length > 0) await judge(ready, ended, gate, session);
  // What was cancelled, or is kept open, goes nowhere now.
  const left: Route[] = [];
  for (const route of routes) {
    const last = route.kind === 'judge' ? ended.get(route) : route;
    if (last) left.push(last);
  }
  return left;
}

async function learnThenJudge(route: Judging, needed: 'list' | 'schemas', session: Session): Promise<void> {
  await learnTools(session, needed === 'schemas');
  const ended = new Map<Judging, Route>();
  await judge([route], ended, await readGate(session.served, session.ports), session);
  deliver([...ended.values()], session);
}

/** Adds what becomes of each call to `ended`, but for those that were cancelled before, and those that are kept open. */
async function judge(routes: readonly Judging[], ended: Map<Judging, Route>, gate: Gate, session: Session): Promise<void> {
  const waiting: Judging[] = [];
  const arrivals: Arrival[] = [];
  for (const route of routes) {
    if (!isWaiting(route, session)) continue;
    waiting.push(route);
    arrivals.push(arrivalOf(route, session));
  }
  if (waiting.length === 0) return;
  const outcomes = await enforceOrDeny(arrivals, gate, session);
  for (const [index, route] of waiting.entries()) {
    const [arrival, outcome] = [arrivals[index] as Arrival, outcomes[index] as Enforced];
    const isHeld = outcome.kind === 'in_flight' || (outcome.kind === 'answer' && outcome.approval !== undefined);
    if (isHeld) judgeHeld(route, arrival, outcome, ended, gate, session);
    else ended.set(route, routeOf(route, arrival, outcome, session));
  }
}

/** Keeps a call open that waits for a human or for an identical call, or answers it where too many wait. */
function judgeHeld(route: Judging, arrival: Arrival, enforced: Enforced, ended: Map<Judging, Route>, gate: Gate, session: Session): void {
  const outcome = showPage(route, arrival, enforced, gate, session);
  if (outcome.kind === 'in_flight' || isKeptOpen(outcome, session))
    setAside(route, () => keepOpen(route, arrival, outcome, session), session);
  else ended.set(route, routeOf(route, arrival, outcome, session));
}

/** A fault of our own denies (I2), and each call gets its answer (I9). */
async function enforceOrDeny(arrivals: readonly Arrival[], gate: Gate, session: Session): Promise<readonly Enforced[]> {
  try {
    return await enforce(arrivals, gate, session);
  } catch (error) {
    const { log, clock } = session.ports;
    const why = error instanceof Error ? error.message : String(error);
    log.error(`internal fault: ${why}`);
    const answer = renderDenial(denial('state_error', '(internal)', INTERNAL_ERROR, why), clock());
    return arrivals.map(() => ({ kind: 'answer', answer }));
  }
}

/** The call goes out, or is answered, when what it waits for has ended: judged anew, under the policy then in force. */
async function keepOpen(route: Judging, arrival: Arrival, outcome: Outcome, session: Session): Promise<void> {
  const ending: Ending = {
    isOpen: () => isWaiting(route, session),
    async judgeAgain(waited) {
      let gate = await readGate(session.served, session.ports);
      const needed = neededFor(route, gate, session);
      if (needed) {
        await learnTools(session, needed === 'schemas');
        gate = await readGate(session.served, session.ports);
      }
      const [again] = await enforceOrDeny([{ ...arrival, waited }], gate, session);
      return showPage(route, arrival, again as Enforced, gate, session);
    },
    tellProgress: progressOf(route, session),
    decided: (approval) => endPage(approval, route, session),
  };
  const { open } = session.waits;
  if (route.pending) open.add(route.pending);
  const ended = await waitToEnd(arrival, outcome, ending, session).finally(() => route.pending && open.delete(route.pending));
  deliver([routeOf(route, arrival, ended, session)], session);
}

function isWaiting({ pending }: Judging, { inflight }: Session): boolean {
  return pending === undefined || (pending.purpose.kind === 'judging' && inflight.get(pending.sentAs.key) === pending);
}

function arrivalOf({ toolCall, id, credentials, known, returned, frame: { modern } }: Judging, session: Session): Arrival {
  const { ports, client, identity, protocol } = session;
  protocol.sessionless ??= modern;
  const call: Call = {
    tool: toolCall.name,
    args: toolCall.args,
    agent: client.agent,
    session: protocol.sessionless ? undefined : session.id,
    ...known,
  };
  const continued =
    id &&
    !returned &&
    session.continuations.size > 0 &&
    session.continuations.take(identity.continuationKey(call, toolCall.requestState), ports.clock());
  const held = continued ? continued.holding : undefined;
  return {
    id: continued ? continued.id : ports.newId(),
    call,
    argsText: toolCall.argsText,
    meta: toolCall.ownMeta,
    inputs: toolCall.inputResponses,
    requestId: id?.text,
    client: protocol.client,
    arrivedAt: ports.monotonic(),
    held,
    credentials,
  };
}

function routeOf(route: Judging, arrival: Arrival, outcome: Final, session: Session): Route {
  const { pending, to } = route;
  const sent = (holding: Holding): ForwardedCall => ({
    id: arrival.id,
    tool: arrival.call.tool,
    call: arrival.call,
    holding,
    sentAt: session.ports.monotonic(),
  });
  if (!isWaiting(route, session)) {
    // What the call reserved before its continuation was sent with it: only what was reserved just now can be given back.
    const result = arrival.held ? 'kept' : 'released';
    const call = sent(outcome.kind === 'forward' ? outcome.holding : (arrival.held ?? NO_HOLDING));
    if (arrival.held || outcome.kind === 'forward')
      void settle([{ call, outcome: { result, error: 'cancelled before it was sent' } }], session);
    return { kind: 'drop' };
  }
  if (outcome.kind === 'forward') return sendCall(route, sent(outcome.holding), session);
  // The call was sent and its continuation is refused: how the call ends will not be known.
  if (arrival.held)
    void settle([{ call: sent(arrival.held), outcome: { result: 'kept', error: 'its continuation was refused' } }], session);
  if (!pending) return { kind: 'drop' };
  session.inflight.take(pending.sentAs.key);
  return { kind: 'answer', text: renderOutcome(route, outcome, session), to };
}

function sendCall({ pending, frame, to }: Judging, call: ForwardedCall, session: Session): Route {
  if (pending) {
    pending.purpose = { kind: 'call', call };
    pending.since = call.sentAt;
  } else void settle([{ call, outcome: { result: 'kept', error: 'a call without an id has no answer' } }], session);
  return { kind: 'forward', frame, to };
}

function renderOutcome({ id, frame: { modern } }: Judging, outcome: Exclude<Final, { kind: 'forward' }>, { protocol }: Session): string {
  const idText = id?.text ?? 'null';
  const resultType = modern || (protocol.version ?? '') >= MODERN;
  if (outcome.kind === 'ask') return renderAsking(idText, outcome);
  if (outcome.kind === 'replay') return renderReplay(idText, outcome.result, outcome.mark, resultType);
  const { text, meta } = outcome.answer;
  return renderToolResult(idText, { text, meta: { [DECISION_KEY]: meta }, resultType });
}

/** Finds out what must be known of the server's tools before the call is judged (wire.md §3); undefined where nothing more must. */
function neededFor({ toolCall, id }: Judging, { rulebook }: Gate, session: Session): 'list' | 'schemas' | undefined {
  if (!rulebook) return undefined;
  const { uses, mode } = rulebook.policy;
  if (!uses.serverSchemas && !uses.approvals && !uses.spend) return undefined;
  const listed = session.tools.catalog.complete;
  if (listed && (!uses.serverSchemas || session.tools.canCheck)) return undefined;
  const rules = rulebook.match(toolCall.name).entries.flatMap((entry) => entry.rules);
  if (rules.some((rule) => rule.validate)) return 'schemas';
  // What a tool declares as its amount has to be there: whether it declares one is to be known (policy.md §8).
  if (!listed && rules.some((rule) => rule.spend && !rule.spend.from) && !toolCall.args.has('amount')) return 'list';
  // An approval is for the tool as it is defined: before its definition is known, the same call would be another one.
  const approvable = id && mode === 'enforce' && rules.some((rule) => rule.action === 'require_approval' && !rule.shadow);
  return approvable && !listed ? 'list' : undefined;
}

/** Calls without an id are never in flight, and wait all the same. */
function refuseWaiting({ id, pending, to }: Judging, session: Session): Route {
  if (pending) session.inflight.take(pending.sentAs.key);
  const message = `more than ${MAX_IN_FLIGHT} calls wait for the server's tool list`;
  const route = refuse({ code: -32600, reason: 'too_many_requests', message, id }, to, session);
  return id ? route : { kind: 'drop', event: route.event };
}

/**
 * Settles the call, and returns what the agent gets. `refused` is what it gets where the answer asks for what the policy
 * refuses. Where nothing is waited for, the call is settled, or kept, before this returns: the frame behind may be about it.
 */
export async function receiveCallAnswer(
  frame: ResponseFrame,
  bytes: FrameBytes,
  request: PendingRequest,
  { call, challenged }: Extract<Purpose, { kind: 'call' }>,
  refused: string | undefined,
  gate: Gate,
  session: Session,
): Promise<FrameBytes> {
  const finding = refused === undefined && !challenged && gate.rulebook?.policy.uses.spend ? challengeIn(frame) : undefined;
  const asked = finding instanceof Promise ? await finding : finding;
  const { outcome } = enforceAnswer(call, answerIn(frame), { isRefused: refused !== undefined, asked });
  if (outcome) await settle([{ call, outcome }], session);
  else keepForLater(frame, call, session);
  if (asked) return answerChallenge(asked, frame, bytes, request, call, gate, session);
  return refused ?? (frame.outcome === 'result' ? (withoutDecision(frame) ?? bytes) : bytes);
}

/** The call goes on: what it holds waits for its task to end, or for the client to continue it. */
function keepForLater(frame: ResponseFrame, call: ForwardedCall, session: Session): void {
  if (isTaskHandle(frame)) {
    keepTask(frame, call, session);
    return;
  }
  const state = readMember(frame, 'requestState');
  const key = session.identity.continuationKey(call.call, typeof state === 'string' ? state : undefined);
  const given = session.continuations.keep(key, call, session.ports.clock());
  if (given) void settle([{ call: given, outcome: { result: 'kept', error: 'too many calls wait for a continuation' } }], session);
}
