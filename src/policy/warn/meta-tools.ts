/** Tools that call tools, and arguments that a rule pins down (policy.md §14). */
import type { ArgPath } from '../../core/condition.ts';
import { OPERATORS } from '../../core/operators.ts';
import type { Rule } from '../../core/policy.ts';

/** Arguments that hold the name of a tool. */
export const TOOL_NAMES: readonly string[] = ['tool', 'tool_name', 'toolName', 'tool_slug', 'toolSlug', 'tools'];

const CALLERS = /(?:^|[_.\-/])(?:call|invoke|execute|exec|run|use|dispatch|proxy)[_-]?(?:mcp[_-]?)?tools?$/i;

/** True where a tool takes another tool's name, judged by its own name and its arguments. */
export function callsTools(name: string, properties: readonly string[]): boolean {
  return CALLERS.test(name) || properties.some((property) => TOOL_NAMES.includes(property));
}

/** True where a requirement of these rules leaves the argument only values that the policy lists. */
export function pins(rules: readonly Rule[], name: string): boolean {
  return rules.some((rule) => {
    if (rule.action === 'deny' || rule.action === 'require_approval' || rule.shadow) return false;
    const listed = rule.conditions.some(({ path, test }) => isArgument(path, name) && 'lists' in OPERATORS[test.op]);
    return listed || rule.arguments.some((argument) => argument.name === name);
  });
}

function isArgument({ segments }: ArgPath, name: string): boolean {
  const first = segments[0];
  return segments.length === 1 && first?.kind === 'key' && first.key === name;
}
