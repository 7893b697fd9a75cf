/**
 * What a human overrides by approving (policy.md §5.4): requirements that stand after a fired approval rule in the same
 * tool entry are not asked about the arguments any more. Told to the human, and looked for only where a call is held.
 */
import { agentBound } from './bind.ts';
import { failingArgument, failingCondition } from './clauses.ts';
import type { Call } from './decision.ts';
import { evaluateAll } from './evaluate.ts';
import type { ToolMatch } from './match.ts';
import type { Rule } from './policy.ts';

/** The requirements that the call does not meet and that `fired` keep from denying it, in words and in order. */
export function overriddenRules(call: Call, match: ToolMatch, fired: readonly Rule[]): readonly string[] {
  return match.entries.flatMap(({ rules }) => {
    const first = rules.findIndex((rule) => rule.stateConditions.length === 0 && fired.includes(rule));
    return first < 0 ? [] : rules.slice(first + 1).flatMap((rule) => unmet(rule, call));
  });
}

function unmet(rule: Rule, call: Call): readonly string[] {
  if (rule.shadow || rule.action === 'deny' || rule.action === 'require_approval') return [];
  if (!agentBound(rule.agents, call.agent) || evaluateAll(rule.when, call.args, 'any') === 'false') return [];
  const failure = failingCondition(rule, call.args) ?? failingArgument(rule.arguments, call.args);
  return failure ? [`rule ${JSON.stringify(rule.label)}: ${failure.why}`] : [];
}
