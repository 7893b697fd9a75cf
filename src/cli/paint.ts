/** Colour where the terminal takes it, and text from strangers made harmless (cli.md §1, §2). */
import { escapeUnseen } from '../audit/escape.ts';

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** Paints, or leaves the text as it is. */
export function createPaint(colour: boolean): Paint {
  if (!colour) return (_, text) => text;
  return (name, text) => `\u001b[${CODES[name][0]}m${text}\u001b[${CODES[name][1]}m`;
}

/** A text of an agent or server on one line, cut where it is long. SECURITY: escapes would move the reader's cursor. */
export function shown(text: string, most = 200): string {
  const safe = escapeUnseen(text);
  return safe.length > most ? `${safe.slice(0, most - 1)}…` : safe;
}
