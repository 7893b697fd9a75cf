/** Diagnostics as people read them: place, message, the line itself with a caret, and what to do (policy.md §14). */
import { foldersOf } from '../authoring/policy-file.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import type { Policy } from '../core/policy.ts';
import { loadPolicyText } from '../policy/load.ts';
import { readNamedPolicy } from '../run/policy-text.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

/** The diagnostics of one file. */
export interface FileDiagnostics {
  readonly file: string;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

const WIDEST = 120;

/** Lines of text for all of them. */
export function renderDiagnostics({ file, text, diagnostics }: FileDiagnostics, paint: Paint): readonly string[] {
  const source = text.split(/\r\n|\n|\r/);
  return diagnostics.flatMap((diagnostic) => {
    const { severity, message, help, position, code } = diagnostic;
    const place = paint('bold', `${shown(file, 500)}:${position.line}:${position.column}:`);
    const kind = paint(severity === 'error' ? 'red' : 'yellow', `${severity}:`);
    const excerpt = excerptOf(source[position.line - 1] ?? '', diagnostic, paint);
    return [
      `${place} ${kind} ${shown(message, 500)} ${paint('dim', `[${code}]`)}`,
      ...excerpt,
      ...(help === undefined ? [] : [`${paint('cyan', 'help:')} ${shown(help, 500)}`]),
    ];
  });
}

/** `2 errors, 1 warning`; empty where there is nothing to count. */
export function countOf(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Diagnostic['severity']) => {
    const found = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return found === 0 ? [] : [`${found} ${severity}${found === 1 ? '' : 's'}`];
  };
  return [...count('error'), ...count('warning')].join(', ');
}

/** The line with a caret under the column; of a long line, the part around it. */
function excerptOf(line: string, { position }: Diagnostic, paint: Paint): readonly string[] {
  if (line.trim() === '') return [];
  const from = Math.max(0, position.column - 1 - WIDEST / 2);
  // Each character stays one wide, so that the caret stands under the right one.
  const part = Array.from(line.slice(from, from + WIDEST), (character) =>
    shown(character) === character ? character : character === '\t' ? ' ' : '�',
  ).join('');
  const number = String(position.line);
  const gutter = paint('dim', `  ${number} | `);
  return [
    `${gutter}${part}`,
    `${paint('dim', `  ${' '.repeat(number.length)} | `)}${' '.repeat(position.column - 1 - from)}${paint('red', '^')}`,
  ];
}

/** Loads a policy; undefined, with its errors printed, where it is invalid. Throws `CommandError`. */
export async function loadPolicy(file: string, terminal: Terminal): Promise<Policy | undefined> {
  const text = await readNamedPolicy(file);
  const { policy, diagnostics } = await loadPolicyText(text, foldersOf(file));
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  for (const line of renderDiagnostics({ file, text, diagnostics: errors }, createPaint(terminal.colour))) terminal.err(line);
  return policy;
}
