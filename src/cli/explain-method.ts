/** `intercept explain --method`: says whether a request other than a tool call passes, and by which key of `methods`. */
import { methodJson } from '../authoring/as-json.ts';
import { explainMethod, type MethodExplanation } from '../authoring/explain-method.ts';
import { EXIT } from '../core/fault.ts';
import type { Policy } from '../core/policy.ts';
import { namespaceOf } from '../run/home.ts';
import { loadPolicy } from './diagnostics.ts';
import { type ExplainOptions, policyLine } from './explain.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

/** Explains the method and prints it. */
export async function showMethod(
  method: string,
  { config, statePrefix, state, fresh, json }: Pick<ExplainOptions, 'config' | 'statePrefix' | 'state' | 'fresh' | 'json'>,
  terminal: Terminal,
): Promise<number> {
  const policy = await loadPolicy(config, terminal);
  if (!policy) return EXIT.invalidPolicy;
  const namespace = namespaceOf(statePrefix, policy.name, config);
  const explanation = await explainMethod(method, { policy, namespace, state: fresh ? undefined : state, now: Date.now() });
  if (json) terminal.out(JSON.stringify(methodJson(method, explanation, policy, config), null, 2));
  else for (const line of render(method, explanation, policy, config, createPaint(terminal.colour))) terminal.out(line);
  return explanation.isForwarded ? EXIT.done : EXIT.found;
}

function render(method: string, explanation: MethodExplanation, policy: Policy, file: string, paint: Paint): readonly string[] {
  const { denial, because, isForwarded, answer } = explanation;
  const label = (text: string) => paint('bold', text.padEnd(10));
  const end = () => {
    if (answer && 'list' in answer) return [paint('bold', 'its sender gets an empty list'), `  ${JSON.stringify(answer.list)}`];
    if (answer) return [paint('bold', 'its sender gets the error'), `  ${shown(answer.text, 1000)}`];
    if (denial && isForwarded) return [`${label('forwarded')}shadow mode enforces nothing`];
    return [];
  };
  return [
    `${label('method')}${shown(method)}`,
    `${label('policy')}${policyLine(policy, file)}`,
    '',
    `${label('decision')}${denial ? paint('red', `deny by ${denial.rule}`) : paint('green', 'allow')}`,
    `${label('because')}${shown(because, 500)}`,
    ...end(),
  ];
}
