/** Schemas of a server that rules with `validate` cannot use: a call of such a tool is always denied (policy.md §3). */
import type { Diagnostic } from '../../core/diagnostic.ts';
import { isObject, NO_ARGUMENTS } from '../../core/json.ts';
import { matchesName } from '../../core/names.ts';
import type { Policy, Rule } from '../../core/policy.ts';
import { DIAGNOSTICS, type DiagnosticCode } from '../codes.ts';
import type { ServerTool } from '../server.ts';
import type { SchemaCompiler } from './schema.ts';

/** Names each such tool, with the answer to a call of it; sorted as the tools are. */
export function checkServerSchemas(policy: Policy, tools: readonly ServerTool[], compile: SchemaCompiler): readonly Diagnostic[] {
  return tools.flatMap((tool) => {
    const rules = rulesFor(tool.name, policy).filter(({ validate }) => validate !== undefined);
    const strict = rules.find(({ validate }) => validate?.schema) ?? rules[0];
    return strict ? checkSchema(tool, strict, compile) : [];
  });
}

function rulesFor(name: string, { exact, globs, everyTool, hide }: Policy): readonly Rule[] {
  if (hide.some((pattern) => matchesName(pattern, name))) return [];
  const own = exact.get(name);
  const matching = globs.filter(({ pattern }) => matchesName(pattern, name));
  return [...(own ? [own] : []), ...matching, ...(everyTool ? [everyTool] : [])].flatMap(({ rules }) => rules);
}

function checkSchema({ name, inputSchema }: ServerTool, rule: Rule, compile: SchemaCompiler): readonly Diagnostic[] {
  const found = (code: DiagnosticCode, message: string, help: string): readonly Diagnostic[] => [
    { code, severity: DIAGNOSTICS[code].severity, message: `${JSON.stringify(name)}: ${message}`, help, position: rule.position },
  ];
  const denied = 'every call of it is denied: have the server mend it, or give the tool a rule with "arguments" in place of "validate"';
  if (!isObject(inputSchema)) return found('unusable-schema', "the server's schema for this tool is not known", denied);
  if (!rule.validate?.schema) return [];
  const { faults, check } = compile(inputSchema);
  const verdict = check(NO_ARGUMENTS);
  if (faults.some(({ strict }) => !strict)) return found('unusable-schema', verdict.ok ? '' : verdict.why, denied);
  const nullable = faults.find(({ path }) => path.at(-1) === 'nullable');
  if (!nullable) return [];
  const place = nullable.path.slice(0, -1).join('.');
  return found(
    'nullable-schema',
    `"nullable" at ${JSON.stringify(place)} is no keyword of JSON Schema: null is refused there`,
    'have the server write "null" into the list of "type"',
  );
}
