/** Collects diagnostics: nothing stops at the first (policy.md §14). */
import type { Diagnostic } from '../core/diagnostic.ts';
import type { Position } from '../core/policy.ts';
import { DIAGNOSTICS, type DiagnosticCode } from './codes.ts';

export interface Report {
  add(code: DiagnosticCode, offset: number, message: string, help?: string): void;
  positionOf(offset: number): Position;
  hasErrors(): boolean;
  /** Everything so far, by position; what stands at one place in the order it was found. */
  all(): readonly Diagnostic[];
}

/** Beyond this many a list helps nobody, and a hostile text could make it long. */
const MOST = 1_000;

/** Opens an empty report on a text. */
export function openReport(positionOf: (offset: number) => Position): Report {
  const found: Diagnostic[] = [];
  let errors = 0;
  return {
    positionOf,
    add(code, offset, message, help) {
      const { severity } = DIAGNOSTICS[code];
      if (severity === 'error') errors++;
      // One error is kept always: it is what stops the policy from loading.
      if (found.length < MOST || (severity === 'error' && errors === 1)) {
        found.push({ code, severity, message, help, position: positionOf(offset) });
      }
    },
    hasErrors: () => errors > 0,
    all: () => found.toSorted(byPosition),
  };
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  return a.position.line - b.position.line || a.position.column - b.position.column;
}
