/** Compares a decision with the one that a step expects. */
import type { Decision } from '../../core/decision.ts';
import type { CallStep } from './model.ts';

interface Told {
  readonly outcome: Decision['outcome'];
  readonly rule?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Says what was expected and what came instead, or undefined where they agree. */
export function mismatchOf(step: CallStep, decision: Decision): { readonly expected: string; readonly got: string } | undefined {
  const told = toldBy(decision);
  const agrees =
    step.expect === told.outcome &&
    (step.rule === undefined || step.rule === told.rule) &&
    (step.code === undefined || step.code === told.code) &&
    messageAgrees(step.message, told.message ?? '');
  if (agrees) return undefined;
  return {
    expected: render(
      step.expect,
      step.rule,
      step.code,
      typeof step.message === 'object' ? `/${step.message.pattern}/` : quoted(step.message),
    ),
    got: renderTold(told),
  };
}

/** A decision on one line: `deny by rule "cap" (limit): "Cap reached"`. */
export function renderDecision(decision: Decision): string {
  return renderTold(toldBy(decision));
}

function toldBy(decision: Decision): Told {
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

function renderTold({ outcome, rule, code, message }: Told): string {
  return render(outcome, rule, code, quoted(message));
}

function render(outcome: string, rule: string | undefined, code: string | undefined, message: string | undefined): string {
  const by = rule === undefined ? '' : ` by rule ${JSON.stringify(rule)}`;
  return `${outcome}${by}${code === undefined ? '' : ` (${code})`}${message === undefined ? '' : `: ${message}`}`;
}

function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text);
}
