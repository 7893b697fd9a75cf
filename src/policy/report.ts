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

/** Finds the line starts once; each look-up is a binary search. A line ends at LF, CR LF or CR. */
export function openPositions(text: string): (offset: number) => Position {
  const starts = [0];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 10 || (code === 13 && text.charCodeAt(index + 1) !== 10)) starts.push(index + 1);
  }
  return (offset) => {
    const line = lastStartUpTo(starts, offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

function lastStartUpTo(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
