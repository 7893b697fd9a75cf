/** `intercept explain`: walks one call through a policy and says what decides (cli.md §1). */
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { explanationJson } from '../authoring/as-json.ts';
import { type CounterUse, type Explanation, explainCall, reasonOfName } from '../authoring/explain.ts';
import { renderDecision } from '../authoring/test/expect.ts';
import { readToolList } from '../authoring/tool-file.ts';
import { EXIT, reasonOf, UsageError } from '../core/fault.ts';
import type { Policy } from '../core/policy.ts';
import { openCatalog } from '../engine/tool-list.ts';
import { namespaceOf, ownPaths } from '../run/home.ts';
import type { OwnPlaces } from '../run/own-folders.ts';
import { loadPolicy } from './diagnostics.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';
import { renderWalk } from './walk.ts';

export interface ExplainOptions extends OwnPlaces {
  readonly config: string;
  readonly call: string;
  /** JSON, `@file`, or `-` for stdin. */
  readonly args: string | undefined;
  readonly agent: string | undefined;
  readonly tools: string | undefined;
  readonly statePrefix: string | undefined;
  /** As with empty counters. */
  readonly fresh: boolean;
  readonly json: boolean;
}

/** Explains the call and prints it. */
export async function explain(options: ExplainOptions, terminal: Terminal): Promise<number> {
  const { config, call: tool, agent, tools, state, home, fresh } = options;
  const policy = await loadPolicy(config, terminal);
  if (!policy) return EXIT.invalidPolicy;
  const argsText = await argumentsText(options.args, terminal);
  const catalog = tools === undefined ? undefined : await openCatalog(readToolList(tools));
  const explanation = await explainCall(
    { tool, argsText, agent },
    {
      policy,
      catalog,
      namespace: namespaceOf(options.statePrefix, policy.name, config),
      own: ownPaths([home, ...state.folders, config]),
      state: fresh ? undefined : state,
      now: Date.now(),
    },
  );
  if (options.json) terminal.out(JSON.stringify(explanationJson(explanation, config), null, 2));
  else for (const line of render(explanation, config, createPaint(terminal.colour))) terminal.out(line);
  return explanation.answer ? EXIT.found : EXIT.done;
}

async function argumentsText(args: string | undefined, terminal: Terminal): Promise<string> {
  if (args === undefined) return '{}';
  if (args === '-') return readAll(terminal.input);
  if (!args.startsWith('@')) return args;
  try {
    return readFileSync(args.slice(1), 'utf8');
  } catch (error) {
    throw new UsageError(`--args: ${args.slice(1)} ${reasonOf(error)}`, 'write "--args @FILE" with a file of JSON, or the JSON itself');
  }
}

/** Lays it out for people, line by line. */
function render(explanation: Explanation, file: string, paint: Paint): readonly string[] {
  const { call, argsText, policy, trace, counters, stored, decision } = explanation;
  const agent = call.agent === undefined ? 'unknown: every rule binds it' : shown(call.agent);
  return [
    `${paint('bold', 'call')}      ${shown(call.tool)} ${shown(argsText.trim(), 1000)}`,
    `${paint('bold', 'agent')}     ${agent}`,
    `${paint('bold', 'policy')}    ${policyLine(policy, file)}`,
    '',
    ...(trace.length === 0 ? [] : [...renderWalk(trace, paint, decision), '']),
    ...(counters.length === 0
      ? []
      : [paint('bold', stored ? 'counters' : 'counters (fresh: no state was read)'), ...counters.map((use) => `  ${renderUse(use)}`), '']),
    ...renderOutcome(explanation, paint),
  ];
}

/** The policy that was asked: its file, name and revision. */
export function policyLine({ name, revision, mode }: Policy, file: string): string {
  return `${file}${name === undefined ? '' : ` (${shown(name)})`}, revision ${revision}${mode === 'shadow' ? ', shadow mode' : ''}`;
}

function renderUse({ counter, unit, value, draws, limit, resetsAt }: CounterUse): string {
  const reset = resetsAt === undefined ? '' : `, until ${new Date(resetsAt).toISOString().replace('.000Z', 'Z')}`;
  return `${shown(counter)}: ${value}${limit === undefined ? '' : ` of ${limit}`} this ${unit}, the call adds ${draws}${reset}`;
}

function renderOutcome(explanation: Explanation, paint: Paint): readonly string[] {
  const { decision, answer } = explanation;
  const colour = decision.outcome === 'allow' ? 'green' : decision.outcome === 'hold' ? 'yellow' : 'red';
  const own = decision.outcome === 'deny' ? decision.denial.why : decision.outcome === 'hold' ? decision.hold.why : undefined;
  const reason = own ?? reasonOfName(explanation);
  const why = reason === undefined ? [] : [`${paint('bold', 'because')}   ${shown(reason, 500)}`];
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
