/** Intercept writes this to its operator on stderr, apart from decisions. */
import { escapeUnseen } from '../escape.ts';
import { hideSecrets } from '../mask.ts';
import type { LineWriter } from './line-writer.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** `quoted` is the beginning of what a peer wrote, as it came. */
type Say = (text: string, quoted?: string) => void;
type Log = Readonly<Record<LogLevel, Say>>;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const COLOURS = { debug: 90, info: 36, warn: 33, error: 31 } as const;

/** True where something of level `at` is to be seen where `level` is asked for. */
export function isSeen(level: LogLevel, at: LogLevel): boolean {
  return LEVELS.indexOf(at) >= LEVELS.indexOf(level);
}

/** Opens the log: one line per call, `[INTERCEPT] WARN …`. `mask` takes out what Intercept itself must not show. */
export function createLog(level: LogLevel, out: Pick<LineWriter, 'write'>, colour = false, mask = (text: string) => text): Log {
  const whole = (text: string, quoted?: string) => (quoted === undefined ? text : `${text}: ${quote(mask(quoted))}`);
  const at = (own: LogLevel): Say =>
    isSeen(level, own) ? (text, quoted) => out.write(renderLine(own, whole(text, quoted), colour)) : () => {};
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Characters that a line shows of what a peer wrote. */
const MOST_QUOTED = 120;

/** SECURITY: INVARIANT I10: what is secret is hidden before the cut, which could leave the half of a secret. */
function quote(text: string): string {
  const safe = hideSecrets(text, Infinity);
  return safe.length > MOST_QUOTED ? `${JSON.stringify(safe.slice(0, MOST_QUOTED))}…` : JSON.stringify(safe);
}

/** ms in which the same warning is written once, and warnings that are remembered for that (INVARIANT I11). */
const QUIET = 30_000;
const MOST_REMEMBERED = 64;

/** So many that quote something are said within that time, since each may quote something else. */
const MOST_WITH_QUOTES = 16;

/** The log that says the same warning once in half a minute, and then how often it was left out. */
export function withoutRepeats(log: Log, monotonic: () => number): Log {
  const seen = new Map<string, { at: number; left: number; quoted: number }>();
  const once =
    (say: Say): Say =>
    (text, quoted) => {
      const now = monotonic();
      const before = seen.get(text);
      if (before && now - before.at < QUIET) {
        if (quoted === undefined || before.quoted >= MOST_WITH_QUOTES) before.left++;
        else {
          before.quoted++;
          say(text, quoted);
        }
        return;
      }
      seen.delete(text);
      seen.set(text, { at: now, left: 0, quoted: 1 });
      for (const oldest of seen.keys())
        if (seen.size > MOST_REMEMBERED) seen.delete(oldest);
        else break;
      say(before && before.left > 0 ? `${text} (${before.left} times more since)` : text, quoted);
    };
  return { ...log, warn: once(log.warn) };
}

function renderLine(level: LogLevel, text: string, colour: boolean): string {
  const word = level.toUpperCase();
  // SECURITY: texts quote names that the agent chose; a line break in one must not forge a decision line.
  return `[INTERCEPT] ${colour ? `\u001b[${COLOURS[level]}m${word}\u001b[39m` : word} ${escapeUnseen(text)}`;
}
