/** Policies and calls for tests of the core. */
import type { Call, Decision, TraceEntry } from '../../src/core/decision.ts';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { createMatcher } from '../../src/core/match.ts';
import { type Plan, plan } from '../../src/core/plan.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { Pause } from '../../src/core/store.ts';
import { parseArguments } from '../../src/engine/arguments.ts';
import { fingerprintFor } from '../../src/engine/judge-call.ts';
import { decide, preparePolicy } from '../../src/library/decide.ts';
import { readJson } from '../../src/mcp/json/values.ts';
import { loadPolicyText } from '../../src/policy/load.ts';

/** Compiles a policy, given as YAML or as a value. */
export async function policyOf(source: string | object): Promise<Policy> {
  const text = typeof source === 'string' ? source : JSON.stringify(source);
  const { policy, diagnostics } = await loadPolicyText(text);
  if (!policy) throw new Error(`the policy does not load: ${JSON.stringify(diagnostics)}`);
  return policy;
}

export function json(text: string): Json {
  return readJson(text);
}

export function argsOf(text: string): JsonObject {
  const parsed = parseArguments(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.args;
}

export interface Circumstances {
  readonly agent?: string;
  readonly session?: string;
  readonly pause?: Pause;
  readonly ownPath?: string;
  readonly trace?: (entry: TraceEntry) => void;
}

export function planOf(policy: Policy, tool: string, args = '{}', circumstances: Circumstances = {}): Plan {
  const { agent, session, pause, ownPath, trace } = circumstances;
  const call: Call = { tool, args: argsOf(args), agent, session, ownPath };
  return plan(call, { policy, match: createMatcher(policy), catalog: undefined, pause, fingerprint: fingerprintFor('n', 'u') }, trace);
}

/** `allow`, `hold <rule>` or `deny <rule>`, with empty counters. */
export function outcomeOf(policy: Policy, tool: string, args = '{}', agent?: string): string {
  const decision: Decision = decide(preparePolicy(policy), { tool, argsJson: args, ...(agent === undefined ? {} : { agent }) });
  if (decision.outcome === 'allow') return 'allow';
  if (decision.outcome === 'replay') return 'replay';
  return decision.outcome === 'deny' ? `deny ${decision.denial.rule}` : `hold ${decision.hold.rule}`;
}
