/** An explained call as people read it. */

import type { CounterUse } from '../authoring/counter-use.ts';
import { renderDecision } from '../authoring/test/expect.ts';
import type { Answer } from '../core/answer.ts';
import type { Call, Decision, TraceEntry } from '../core/decision.ts';
import type { Policy } from '../core/policy.ts';
import { type Paint, shown } from './paint.ts';
import { renderWalk } from './walk.ts';

/** What became of the call, and why. */
export interface Explanation {
  readonly call: Call;
  readonly argsText: string;
  readonly policy: Policy;
  readonly file: string;
  readonly now: number;
  readonly trace: readonly TraceEntry[];
  readonly counters: readonly CounterUse[];
  /** Whether the counters' values come from a store. */
  readonly stored: boolean;
  readonly decision: Decision;
  /** What the agent gets instead of the server's answer; undefined where the call is forwarded. */
  readonly answer: Answer | undefined;
}

/** All lines. */
export function renderExplanation(explanation: Explanation, paint: Paint): readonly string[] {
  const { call, argsText, policy, file, trace, counters, stored } = explanation;
  const agent = call.agent === undefined ? 'unknown: every rule binds it' : shown(call.agent);
  return [
    `${paint('bold', 'call')}      ${shown(call.tool)} ${shown(argsText.trim(), 1000)}`,
    `${paint('bold', 'agent')}     ${agent}`,
    `${paint('bold', 'policy')}    ${file}${policy.name === undefined ? '' : ` (${shown(policy.name)})`}, revision ${policy.revision}${policy.mode === 'shadow' ? ', shadow mode' : ''}`,
    '',
    ...renderWalk(trace, paint),
    ...(counters.length === 0
      ? []
      : ['', paint('bold', stored ? 'counters' : 'counters (fresh: no state was read)'), ...counters.map((use) => `  ${renderUse(use)}`)]),
    '',
    ...renderOutcome(explanation, paint),
  ];
}

function renderUse({ counter, unit, value, draws, limit, resetsAt }: CounterUse): string {
  const reset = resetsAt === undefined ? '' : `, until ${new Date(resetsAt).toISOString().replace('.000Z', 'Z')}`;
  return `${shown(counter)}: ${value}${limit === undefined ? '' : ` of ${limit}`} this ${unit}, the call adds ${draws}${reset}`;
}

function renderOutcome({ decision, answer }: Explanation, paint: Paint): readonly string[] {
  const colour = decision.outcome === 'allow' ? 'green' : decision.outcome === 'hold' ? 'yellow' : 'red';
  const why =
    decision.outcome === 'deny' && decision.denial.why !== undefined ? [`${paint('bold', 'because')}   ${shown(decision.denial.why)}`] : [];
  const shadow = decision.shadow.map(
    ({ rule, result }) => `${paint('bold', 'shadow')}    ${shown(rule)} would have it ${result === 'denied' ? 'denied' : 'held'}`,
  );
  const forwarded = decision.outcome === 'allow' ? [] : [`${paint('bold', 'forwarded')} shadow mode enforces nothing`];
  return [
    `${paint('bold', 'decision')}  ${paint(colour, shown(renderDecision(decision), 500))}`,
    ...why,
    ...shadow,
    ...(answer
      ? [
          `${paint('bold', 'the agent sees')}`,
          `  ${shown(answer.text, 1000)}`,
          `  ${JSON.stringify({ _meta: { 'policylayer.com/decision': answer.meta } })}`,
        ]
      : forwarded),
  ];
}
