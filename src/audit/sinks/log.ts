/** Intercept writes this to its operator on stderr, apart from decisions. */
import { escapeUnseen } from '../escape.ts';
import type { LineWriter } from './line-writer.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const COLOURS = { debug: 90, info: 36, warn: 33, error: 31 } as const;

/** True where something of level `at` is to be seen where `level` is asked for. */
export function isSeen(level: LogLevel, at: LogLevel): boolean {
  return LEVELS.indexOf(at) >= LEVELS.indexOf(level);
}

/** Opens the log: one line per call, `[INTERCEPT] WARN …`. */
export function createLog(
  level: LogLevel,
  out: Pick<LineWriter, 'write'>,
  colour = false,
): Readonly<Record<LogLevel, (text: string) => void>> {
  const at = (own: LogLevel) => (isSeen(level, own) ? (text: string) => out.write(renderLine(own, text, colour)) : () => {});
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function renderLine(level: LogLevel, text: string, colour: boolean): string {
  const word = level.toUpperCase();
  // SECURITY: texts quote names that the agent chose; a line break in one must not forge a decision line.
  return `[INTERCEPT] ${colour ? `\u001b[${COLOURS[level]}m${word}\u001b[39m` : word} ${escapeUnseen(text)}`;
}
