/**
 * About how many instructions RE2 makes of a pattern, found before it makes any. SECURITY: nine characters can ask for a
 * thousand copies of a class of seven hundred ranges; memory and time go by the program, not by the text.
 */

/** One unicode class, and each copy of it, costs this much to build, in instructions of one character. */
const UNICODE_CLASS = 150;
const UNICODE_COPY = 5;
/** A range that has no case is compared with others character by character: so many are worth one instruction. */
const FOLDED_PER_INSTRUCTION = 12;

const REPEAT = /\{(\d{1,9})(?:(,)(\d{0,9}))?\}/y;

interface Scan {
  readonly text: string;
  readonly folds: boolean;
  at: number;
  /** The part that is built once, however often it is repeated. */
  fixed: number;
}

/** The size. Linear in the text; a pattern that RE2 refuses has one, too. */
export function patternSize(pattern: string, folds = false): number {
  const scan: Scan = { text: pattern, folds: folds || /\(\?[a-zA-Z]*i/.test(pattern), at: 0, fixed: 0 };
  const levels: number[][] = [[0, 0]];
  while (scan.at < pattern.length) {
    const level = levels.at(-1) ?? [0, 0];
    const character = pattern[scan.at];
    if (character === '(') {
      levels.push([0, 0]);
      scan.at++;
    } else if (character === ')' && levels.length > 1) {
      levels.pop();
      scan.at++;
      add(levels.at(-1) ?? level, sum(level) + 2, scan);
    } else add(level, readAtom(scan), scan);
  }
  return levels.reduce((total, level) => total + sum(level), scan.fixed);
}

function sum([first = 0, second = 0]: readonly number[]): number {
  return first + second;
}

/** Adds an atom with the repeats that follow it. */
function add(level: number[], size: number, scan: Scan): void {
  level[0] = Math.min((level[0] ?? 0) + size * readRepeats(scan), Number.MAX_SAFE_INTEGER);
}

function readRepeats(scan: Scan): number {
  let times = 1;
  for (;;) {
    const character = scan.text[scan.at];
    REPEAT.lastIndex = scan.at;
    const counted = character === '{' ? REPEAT.exec(scan.text) : null;
    if (counted) {
      const most = counted[3] ? Number(counted[3]) : Number(counted[1]) + (counted[2] ? 1 : 0);
      // An optional copy needs a fork of its own.
      times *= Math.max(most, 1) * (counted[2] ? 2 : 1);
      scan.at += counted[0].length;
    } else if (character === '*' || character === '+' || character === '?') {
      times *= 2;
      scan.at++;
    } else return Math.min(times, 1e12);
  }
}

function readAtom(scan: Scan): number {
  if (scan.text[scan.at] === '[') return readClass(scan);
  if (scan.text[scan.at] === '\\') return readEscape(scan);
  scan.at += 1;
  return 1;
}

/** `\pL`, `\p{Greek}` and their opposites are whole tables; everything else is a character or a few ranges. */
function readEscape(scan: Scan): number {
  const { text } = scan;
  const kind = text[scan.at + 1];
  scan.at += 2;
  if (kind !== 'p' && kind !== 'P') return kind === 'x' || kind === 'Q' ? 1 : 2;
  const end = text[scan.at] === '{' ? text.indexOf('}', scan.at) : scan.at;
  scan.at = end < 0 ? text.length : end + 1;
  scan.fixed += UNICODE_CLASS * (scan.folds ? 2 : 1);
  return UNICODE_COPY;
}

function readClass(scan: Scan): number {
  const { text } = scan;
  let size = 1;
  let previous = 0;
  scan.at += text[scan.at + 1] === '^' ? 2 : 1;
  // A bracket that comes first is a member.
  for (let first = true; scan.at < text.length && (first || text[scan.at] !== ']'); first = false) {
    const isRange = text[scan.at] === '-' && !first && text[scan.at + 1] !== ']';
    if (isRange) scan.at++;
    const from = scan.at;
    size += text[from] === '\\' ? readEscape(scan) / 2 : 0.5;
    if (scan.at === from) scan.at += (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1;
    const point = pointAt(scan, from);
    if (isRange && scan.folds) scan.fixed += Math.ceil(Math.max(point - previous, 0) / FOLDED_PER_INSTRUCTION);
    previous = point;
  }
  scan.at++;
  return size;
}

const HEX = /\\x(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{2}))/y;

/** The character at a place, and past it where it is written in hexadecimal digits. */
function pointAt(scan: Scan, from: number): number {
  HEX.lastIndex = from;
  const hex = HEX.exec(scan.text);
  if (!hex) return scan.text.codePointAt(scan.text[from] === '\\' ? from + 1 : from) ?? 0;
  scan.at = from + hex[0].length;
  return Number.parseInt(hex[1] ?? hex[2] ?? '0', 16);
}
