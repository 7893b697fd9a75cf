/** `intercept explain`: walks one call through a policy and says what decides, without deciding anything (cli.md §1). */
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { counterUses } from '../authoring/counter-use.ts';
import { readPolicyFile } from '../authoring/policy-file.ts';
import { readToolList } from '../authoring/tool-file.ts';
import type { Answer } from '../core/answer.ts';
import { renderDenial, renderHold } from '../core/answer.ts';
import { conclude, concludeDenied, concludeStateless } from '../core/conclude.ts';
import type { Call, Decision, TraceEntry } from '../core/decision.ts';
import { CommandError, EXIT, UsageError } from '../core/fault.ts';
import { createMatcher } from '../core/match.ts';
import { ownPathIn } from '../core/own-path.ts';
import { type Plan, plan } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { CounterReading, Pause } from '../core/store.ts';
import { windowAt } from '../core/window.ts';
import { parseArguments } from '../engine/arguments.ts';
import { fingerprintFor } from '../engine/judge-call.ts';
import { openCatalog } from '../engine/tool-list.ts';
import { verdictOn } from '../library/decide.ts';
import { loadPolicyText } from '../policy/load.ts';
import { namespaceOf, ownPaths } from '../run/home.ts';
import type { OwnPlaces } from '../run/own-folders.ts';
import { renderDiagnostics } from './diagnostics.ts';
import { type Explanation, renderExplanation } from './explanation.ts';
import { createPaint } from './paint.ts';
import type { Terminal } from './terminal.ts';

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
export async function explainCall(options: ExplainOptions, terminal: Terminal): Promise<number> {
  const policy = await loadPolicy(options.config, terminal);
  if (!policy) return EXIT.invalidPolicy;
  const explanation = await explain(policy, options, await argumentsText(options.args, terminal));
  if (options.json) terminal.out(JSON.stringify(toJson(explanation), null, 2));
  else for (const line of renderExplanation(explanation, createPaint(terminal.colour))) terminal.out(line);
  return explanation.answer ? EXIT.found : EXIT.done;
}

async function loadPolicy(file: string, terminal: Terminal): Promise<Policy | undefined> {
  const read = readPolicyFile(file);
  if (read.kind === 'unreadable') throw new CommandError(`${file}: ${read.why}`, EXIT.invalidPolicy);
  const { policy, diagnostics } = await loadPolicyText(read.text);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  for (const line of renderDiagnostics({ file, text: read.text, diagnostics: errors }, createPaint(terminal.colour))) terminal.err(line);
  return policy;
}

async function argumentsText(args: string | undefined, terminal: Terminal): Promise<string> {
  if (args === undefined) return '{}';
  if (args === '-') return readAll(terminal.input);
  if (!args.startsWith('@')) return args;
  try {
    return readFileSync(args.slice(1), 'utf8');
  } catch (error) {
    throw new UsageError(`--args ${args}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function explain(policy: Policy, options: ExplainOptions, argsText: string): Promise<Explanation> {
  const parsed = parseArguments(argsText);
  if (!parsed.ok) throw new UsageError(`--args: ${parsed.why}`, 'the proxy refuses such a call before any rule sees it');
  const own = ownPaths([options.home, ...options.state.folders, options.config]);
  const ownPath = ownPathIn(parsed.args, own);
  const call: Call = { tool: options.call, args: parsed.args, agent: options.agent, session: undefined, ownPath };
  const trace: TraceEntry[] = [];
  const now = Date.now();
  const namespace = namespaceOf(options.statePrefix, policy.name, options.config);
  const catalog = options.tools === undefined ? undefined : await openCatalog(readToolList(options.tools));
  const facts = {
    policy,
    match: createMatcher(policy),
    catalog,
    fingerprint: fingerprintFor(namespace, ''),
  };
  const stored = options.fresh
    ? undefined
    : await options.state.read(namespace, async (store) => {
        const { pauses } = await store.control();
        const pause = pauses.find((candidate) => candidate.policy === undefined || candidate.policy === policy.name);
        const planned = plan(call, { ...facts, pause }, (entry) => trace.push(entry));
        return { planned, readings: planned.kind === 'store' ? await store.read(planned.reservable.counters) : [] };
      });
  const { planned, readings } =
    stored ??
    fresh(
      plan(call, { ...facts, pause: undefined as Pause | undefined }, (entry) => trace.push(entry)),
      now,
    );
  const decision = decisionOn(planned, readings, now);
  const counters = planned.kind === 'store' ? counterUses(planned, readings) : [];
  return {
    call,
    argsText,
    policy,
    file: options.config,
    now,
    trace,
    counters,
    stored: stored !== undefined,
    decision,
    answer: answerTo(decision, policy, now),
  };
}

function fresh(planned: Plan, now: number): { readonly planned: Plan; readonly readings: readonly CounterReading[] } {
  if (planned.kind === 'deny') return { planned, readings: [] };
  return { planned, readings: planned.reservable.counters.map((counter) => ({ ...counter, ...windowAt(counter.unit, now), micros: 0 })) };
}

function decisionOn(planned: Plan, readings: readonly CounterReading[], now: number): Decision {
  if (planned.kind === 'deny') return concludeDenied(planned);
  const values = new Map(readings.map(({ id, micros }) => [id, micros]));
  const verdict = verdictOn(planned, { counters: values, now });
  return verdict ? conclude(planned, verdict) : concludeStateless(planned);
}

/** SPEC: policy.md §10: shadow mode forwards all but what a pause denies. */
function answerTo(decision: Decision, policy: Policy, now: number): Answer | undefined {
  if (decision.outcome === 'allow' || decision.outcome === 'replay') return undefined;
  if (policy.mode === 'shadow' && !(decision.outcome === 'deny' && decision.denial.code === 'paused')) return undefined;
  return decision.outcome === 'deny' ? renderDenial(decision.denial, now) : renderHold(decision.hold);
}

function toJson({ call, argsText, policy, file, trace, counters, stored, decision, answer }: Explanation): object {
  const { outcome, shadow } = decision;
  const by = decision.outcome === 'deny' ? decision.denial : decision.outcome === 'hold' ? decision.hold : undefined;
  return {
    tool: call.tool,
    args: argsText,
    agent: call.agent,
    policy: { file, name: policy.name, revision: policy.revision, mode: policy.mode },
    outcome,
    forwarded: answer === undefined,
    decided_by: by,
    shadow,
    agent_sees: answer,
    counters: { stored, values: counters },
    walk: trace,
  };
}
