/** Writes what explanations, tests and diagnostics say for programs; schema/output.schema.json has their form. */
import type { Decision } from '../core/decision.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { timeJson } from '../core/instance-json.ts';
import type { Policy } from '../core/policy.ts';
import type { Explanation } from './explain.ts';
import type { MethodExplanation } from './explain-method.ts';
import { coveredPercent } from './test/coverage.ts';
import type { TestRun } from './test/suite.ts';

/** One diagnostic for programs. */
export function diagnosticJson({ code, severity, message, help, position: { line, column } }: Diagnostic) {
  return { code, severity, message, help: help ?? null, position: { line, column } };
}

/** The policy that was asked: its file, name and revision. */
function policyJson({ name, revision, mode }: Policy, file: string): object {
  return { file, name: name ?? null, revision, mode };
}

/** The walk of one call, and its end. */
export function explanationJson({ call, argsText, policy, trace, counters, stored, decision, answer }: Explanation, file: string): object {
  const { outcome, shadow } = decision;
  return {
    tool: call.tool,
    args: argsText,
    agent: call.agent ?? null,
    policy: policyJson(policy, file),
    outcome,
    forwarded: answer === undefined,
    decided_by: deciderOf(decision),
    shadow,
    agent_sees: answer ?? null,
    counters: {
      stored,
      values: counters.map(({ limit, resetsAt, ...use }) => ({
        ...use,
        limit: limit ?? null,
        resets_at: resetsAt === undefined ? null : timeJson(resetsAt),
      })),
    },
    walk: trace,
  };
}

/** The rule that denies or holds the call; null where it passes. */
function deciderOf(decision: Decision): object | null {
  if (decision.outcome === 'hold')
    return { rule: decision.hold.rule, message: decision.hold.message, code: 'approval_required', why: null, retry_at: null };
  if (decision.outcome !== 'deny') return null;
  const { code, rule, message, why, retryAt } = decision.denial;
  return { rule, message, code, why: why ?? null, retry_at: retryAt === undefined ? null : timeJson(retryAt) };
}

/** The end of another request than a call. */
export function methodJson(
  method: string,
  { denial, because, isForwarded, answer }: MethodExplanation,
  policy: Policy,
  file: string,
): object {
  return {
    method,
    policy: policyJson(policy, file),
    outcome: denial ? 'deny' : 'allow',
    because,
    forwarded: isForwarded,
    sender_gets: answer ?? null,
  };
}

/** The cases of a run, and which rules they covered. */
export function testRunJson({ files, totals, coverage, unreadable, diagnostics }: TestRun, percent: number): object {
  return {
    totals,
    files,
    coverage: {
      percent,
      policies: [...coverage].map(([file, rules]) => ({
        ...{ file, percent: coveredPercent(rules) },
        rules: rules.map(({ passed, failed, ...rule }) => ({ ...rule, passed: passed ?? null, failed: failed ?? null })),
      })),
    },
    unreadable,
    diagnostics: diagnostics.map(({ file, diagnostic }) => ({ file, ...diagnosticJson(diagnostic) })),
  };
}
