/** The audit record of requests other than tool calls (wire.md §1): those that read, ask or change something. */
import type { PlainEvent } from '../../core/audit.ts';
import type { Denial } from '../../core/decision.ts';
import { isNumber } from '../../core/json.ts';
import { isKnownNotification } from '../../core/match.ts';
import { selfDenial } from '../../core/plan.ts';
import type { Gate } from '../../engine/gate.ts';
import { membersAt } from '../../mcp/json/edit.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { ClientFrame, ReplyFrame, ServerFrame } from '../../mcp/messages/frame.ts';
import { policyDenial } from '../methods.ts';
import type { Session } from '../state.ts';

type Requesting = Extract<ClientFrame | ServerFrame, { kind: 'request' | 'notification' }>;

/** Characters of what a human entered that a record holds. */
const MOST_INPUTS = 65_536;
/** Life cycle and lists say nothing about what an agent did. */
const UNRECORDED = /^(initialize|ping|server\/discover|logging\/setLevel|completion\/complete)$|(^|\/)list$/;

/** The record of a request, or nothing for those that only look. A refused one is always recorded. */
export function requestEvent(
  from: 'agent' | 'server',
  frame: Requesting,
  refused: Denial | undefined,
  { rulebook }: Gate,
  { client }: Pick<Session, 'client'>,
  ownPath?: string,
): PlainEvent | undefined {
  const wouldRefuse = !refused && rulebook?.policy.mode === 'shadow' ? policyDenial(frame.method, rulebook.policy, ownPath) : undefined;
  if (!refused && !wouldRefuse && (UNRECORDED.test(frame.method) || isKnownNotification(frame.method))) return undefined;
  return {
    type: 'request',
    policy: rulebook?.policy,
    fields: {
      method: frame.method,
      from,
      result: refused ? 'denied' : 'allowed',
      code: refused?.code,
      message: refused?.code === 'self' ? refused.why : undefined,
      rule: refused?.rule ?? wouldRefuse?.rule,
      shadow: wouldRefuse ? true : undefined,
      agent: client.agent,
      request_id: frame.kind === 'request' ? frame.id.text : undefined,
      uri: memberText(frame, 'uri'),
      name: memberText(frame, 'name'),
      task: memberText(frame, 'taskId'),
      inputs: memberJson(frame, 'inputResponses'),
    },
  };
}

/** A human or a model answers these for the agent, and the answer may be a decision. */
const ANSWERS: ReadonlySet<string> = new Set(['elicitation/create', 'sampling/createMessage']);

/** The record of an answer of the agent to what the server `asked`, or nothing for those that say nothing. A refused one is always recorded. */
export function answerEvent(
  frame: ReplyFrame,
  asked: string | undefined,
  refused: Denial | undefined,
  { rulebook }: Gate,
  { client }: Pick<Session, 'client'>,
  ownPath: string | undefined,
): PlainEvent | undefined {
  const would = !refused && ownPath !== undefined ? selfDenial(ownPath) : undefined;
  if (!refused && !would && !(asked !== undefined && ANSWERS.has(asked))) return undefined;
  return {
    type: 'request',
    policy: rulebook?.policy,
    fields: {
      method: asked,
      from: 'agent',
      result: refused ? 'denied' : 'allowed',
      code: refused?.code,
      rule: refused?.rule ?? would?.rule,
      message: refused?.code === 'self' ? refused.why : undefined,
      shadow: would ? true : undefined,
      agent: client.agent,
      request_id: frame.id?.text,
      inputs: answerText(frame),
    },
  };
}

function answerText({ text, span }: ReplyFrame): string | undefined {
  const member = membersAt(text, span.start).find(({ key }) => key === 'result' || key === 'error');
  return member && text.slice(member.start, Math.min(member.end, member.start + MOST_INPUTS));
}

function memberText(frame: Requesting, name: string): string | undefined {
  const value = readMember(frame, name);
  if (typeof value === 'string') return value.slice(0, 2048);
  return isNumber(value) ? value.number : undefined;
}

function memberJson(frame: Requesting, name: string): string | undefined {
  const span = frame.params.members.get(name);
  return span && frame.text.slice(span.start, Math.min(span.end, span.start + MOST_INPUTS));
}
