/** Says whether a request other than a tool call may pass, and what decides that (cli.md §1, policy.md §2 `methods`). */
import { type Answer, renderDenial } from '../core/answer.ts';
import type { Denial } from '../core/decision.ts';
import { judgeMethod, type MethodVerdict, passesPause } from '../core/match.ts';
import { BY_METHODS, denial, methodDenial, pausedText } from '../core/plan.ts';
import { emptyListOf } from '../mcp/messages/reply.ts';
import type { ExplainFacts } from './explain.ts';

/** The end of a request, and the reason. */
export interface MethodExplanation {
  /** Undefined where the policy lets it pass. */
  readonly denial: Denial | undefined;
  readonly because: string;
  /** It is forwarded all the same: shadow mode enforces no key of `methods`. */
  readonly isForwarded: boolean;
  /** Its sender gets this: an error, or the members of an empty list; undefined where it gets neither. */
  readonly answer: Answer | EmptyList | undefined;
}

/** The answer to a list that `methods` denies (policy.md §13). */
export interface EmptyList extends Pick<Answer, 'meta'> {
  readonly list: object;
}

type MethodFacts = Pick<ExplainFacts, 'policy' | 'namespace' | 'state' | 'now'>;

/** Explains a method of either direction. */
export async function explainMethod(method: string, { policy, namespace, state, now }: MethodFacts): Promise<MethodExplanation> {
  const control = await state?.read(namespace, (store) => store.control());
  const pause = control?.pauses.find((candidate) => candidate.policy === undefined || candidate.policy === policy.name);
  const verdict = judgeMethod(policy, method);
  const answerOf = (refused: Denial) => (method.startsWith('notifications/') ? undefined : answerTo(method, refused, now));
  if (pause && verdict.by !== 'alike' && !passesPause(method)) {
    const paused = denial('paused', '(paused)', pausedText(pause));
    return { denial: paused, because: 'calls are paused', isForwarded: false, answer: answerOf(paused) };
  }
  const refused = methodDenial(method, policy);
  // SECURITY: a method that only resembles one is no message of MCP, and refused in shadow mode, too.
  const isForwarded = refused === undefined || (policy.mode === 'shadow' && verdict.by !== 'alike');
  const answer = refused && !isForwarded && verdict.by !== 'alike' ? answerOf(refused) : undefined;
  return { denial: refused, because: reasonFor(method, verdict), isForwarded, answer };
}

function answerTo(method: string, refused: Denial, now: number): Answer | EmptyList {
  const answer = renderDenial(refused, now);
  const list = refused.rule === BY_METHODS ? emptyListOf(method) : undefined;
  return list ? { list, meta: answer.meta } : answer;
}

function reasonFor(method: string, { isAllowed, by, rule, alike }: MethodVerdict): string {
  const calls = method === 'tools/call' && isAllowed ? '; "tools" decides about each call: ask with --call' : '';
  switch (by) {
    case 'rule':
      return `"methods" has ${JSON.stringify(rule?.pattern.text)}: ${rule?.verdict}${calls}`;
    case 'notification':
      return 'MCP defines this notification, and those pass whatever "methods" says';
    case 'alike':
      return `it is no method, and only resembles ${JSON.stringify(alike)}`;
    case 'other_tools':
      return 'a method of tools passes only where a key of "methods" that begins with "tools/" allows it';
    case 'known':
      return `no key of "methods" names it, and MCP knows it${calls}`;
    case 'default':
      return `no key of "methods" names it, MCP does not know it, and the default is ${isAllowed ? 'allow' : 'deny'}`;
  }
}
