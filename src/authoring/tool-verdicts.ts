/** Judges the tools of a server by a policy, before any call (cli.md §1, `tools`). */
import { createMatcher, type ToolMatch } from '../core/match.ts';
import type { Policy, Rule } from '../core/policy.ts';

/** In the order in which they are shown. */
export const VERDICTS = ['free', 'rules', 'approval', 'denied', 'hidden'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface JudgedTool {
  readonly name: string;
  readonly verdict: Verdict;
  /** The number of rules about it. */
  readonly rules: number;
}

/** Judges each tool by its name alone. */
export function judgeTools(policy: Policy, names: readonly string[]): readonly JudgedTool[] {
  const match = createMatcher(policy);
  return names.map((name) => judgeTool(name, match(name), policy));
}

function judgeTool(name: string, match: ToolMatch, policy: Policy): JudgedTool {
  const rules = match.entries.flatMap((entry) => entry.rules);
  return {
    name,
    verdict: verdictOf(
      match,
      rules.filter(({ shadow }) => !shadow),
      policy,
    ),
    rules: rules.length,
  };
}

function verdictOf(match: ToolMatch, rules: readonly Rule[], policy: Policy): Verdict {
  if (match.hidden) return 'hidden';
  if (!match.listed && policy.default === 'deny') return policy.unlisted === 'hide' ? 'hidden' : 'denied';
  if (rules.some(deniesAlways)) return 'denied';
  if (rules.some(({ action }) => action === 'require_approval')) return 'approval';
  return rules.length > 0 ? 'rules' : 'free';
}

function deniesAlways({ action, conditions, when, agents }: Rule): boolean {
  return action === 'deny' && conditions.length === 0 && when.length === 0 && agents === undefined;
}

/** Names that are shown, and characters of each. */
const MOST = 3;
const MOST_CHARACTERS = 60;

/** `14 tools: 5 may be called, 9 are hidden (move_file, edit_file, …)`. */
export function sumTools(tools: readonly JudgedTool[]): string {
  if (tools.length === 0) return 'the server has no tools';
  const of = (...verdicts: readonly Verdict[]) => tools.filter(({ verdict }) => verdicts.includes(verdict)).map(({ name }) => name);
  const [open, held, denied, hidden] = [of('free', 'rules', 'approval'), of('approval'), of('denied'), of('hidden')];
  const parts = [
    `${open.length} may be called${held.length === 0 ? '' : ` (${held.length} with approval)`}`,
    ...(denied.length === 0 ? [] : [`${denied.length} ${are(denied)} denied (${some(denied)})`]),
    ...(hidden.length === 0 ? [] : [`${hidden.length} ${are(hidden)} hidden (${some(hidden)})`]),
  ];
  return `${tools.length} tool${tools.length === 1 ? '' : 's'}: ${parts.join(', ')}`;
}

function are({ length }: readonly string[]): string {
  return length === 1 ? 'is' : 'are';
}

function some(names: readonly string[]): string {
  return [...names.slice(0, MOST).map((name) => name.slice(0, MOST_CHARACTERS)), ...(names.length > MOST ? ['…'] : [])].join(', ');
}
