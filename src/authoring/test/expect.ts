/** Compares a decision with the one that a step expects. */
import type { Decision } from '../../core/decision.ts';
import type { CallStep } from './model.ts';

interface Verdict {
  readonly outcome: Decision['outcome'];
  readonly rule?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Says what was expected and what came instead, or undefined where they agree. */
export function mismatchOf(step: CallStep, decision: Decision): { readonly expected: string; readonly got: string } | undefined {
  const verdict = verdictOf(decision);
  const agrees =
    step.expect === verdict.outcome &&
    (step.rule === undefined || step.rule === verdict.rule) &&
    (step.code === undefined || step.code === verdict.code) &&
    messageAgrees(step.message, verdict.message ?? '');
  if (agrees) return undefined;
  return {
    expected: render(
      step.expect,
      step.rule,
      step.code,
      typeof step.message === 'object' ? `/${step.message.pattern}/` : quoted(step.message),
    ),
    got: renderVerdict(verdict),
  };
}

/** A decision on one line: `deny by rule "cap" (limit): "Cap reached"`. */
export function renderDecision(decision: Decision): string {
  return renderVerdict(verdictOf(decision));
}

function verdictOf(decision: Decision): Verdict {
  switch (decision.outcome) {
    case 'allow':
      return { outcome: 'allow' };
    case 'deny':
      return { outcome: 'deny', rule: decision.denial.rule, code: decision.denial.code, message: decision.denial.message };
    case 'replay':
      return { outcome: 'replay' };
    case 'hold':
      return { outcome: 'hold', rule: decision.hold.rule, code: 'approval_required', message: decision.hold.message };
  }
}

function messageAgrees(expected: CallStep['message'], message: string): boolean {
  if (expected === undefined) return true;
  return typeof expected === 'string' ? expected === message : expected.matches(message);
}

function renderVerdict({ outcome, rule, code, message }: Verdict): string {
  return render(outcome, rule, code, quoted(message));
}

function render(outcome: string, rule: string | undefined, code: string | undefined, message: string | undefined): string {
  const by = rule === undefined ? '' : ` by rule ${JSON.stringify(rule)}`;
  return `${outcome}${by}${code === undefined ? '' : ` (${code})`}${message === undefined ? '' : `: ${message}`}`;
}

function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text);
}
