/** Help that fits a screen, 24 lines of 80 columns, from the same table as the flags. */
import { type Flags, longOf } from './flags.ts';

/** Lines, with flags where they stand among them. A line that ends with ": " goes on with the flags that follow. */
export type HelpBody = readonly (string | Flags)[];

export interface Help<B extends HelpBody> {
  /** After `Usage: intercept`. */
  readonly usage: string;
  readonly about: string;
  readonly body: B;
  /** Statuses and an example. */
  readonly end: string;
}

const WIDTH = 21;
/** Columns that a line of help may take. */
const COLUMNS = 80;

/** The text of a help whose flags say what they do from the column `width` on. */
export function renderHelp({ usage, about, body, end }: Help<HelpBody>, width = WIDTH): string {
  return [`Usage: intercept ${usage}`, about, '', ...linesOf(body, width), '  -h, --help', '', end].join('\n');
}

/** A flag with something to say has a line of its own; others share lines, as many as fit. */
export function linesOf(body: HelpBody, width: number): readonly string[] {
  const lines: string[] = [];
  let isOpen = false;
  for (const part of body) {
    if (typeof part === 'string') {
      lines.push(part);
      isOpen = part.endsWith(': ');
      continue;
    }
    for (const [key, { short, shown, about, isMentioned }] of Object.entries(part)) {
      if (isMentioned) continue;
      const flag = `${short === undefined ? '' : `${short}, `}${longOf(key)}${shown === undefined ? '' : ` ${shown}`}`;
      const last = lines.at(-1) ?? '';
      const joined = last.endsWith(': ') ? last + flag : `${last}, ${flag}`;
      if (about !== undefined) lines.push(`  ${flag.padEnd(width - 1)} ${about}`);
      else if (isOpen && joined.length <= COLUMNS) lines[lines.length - 1] = joined;
      else lines.push(`  ${flag}`);
      isOpen = about === undefined;
    }
  }
  return lines;
}
