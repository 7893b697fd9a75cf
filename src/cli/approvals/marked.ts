/**
 * An agent's arguments on a terminal, so that nothing can hide in them (cli.md §3): JSON over several lines, with
 * `⟨…⟩` around what is beyond ASCII, `‹…›` for many blanks, and `\u…` for what shows nothing. SECURITY: the marks are
 * themselves beyond ASCII, so no text of an agent can look like one.
 */
import { isArray, isNumber, isObject, type Json } from '../../core/json.ts';
import { type Piece, revealText } from '../../core/reveal.ts';
import { readJson } from '../../mcp/json/values.ts';

const STEP = 2;
/** Deeper levels stand below each other, so that the text keeps its width. */
const DEEPEST = 24;
const NARROWEST = 30;
/**
 * These stay together on a line: an escape, a short mark, a word with its blank (but no more than so much of one), or one
 * character.
 */
const WORDS = /\\u[0-9a-f]{4}|\\.|‹\d+ blanks›|⟨[^⟩]{1,5}⟩|[!-[\]-~]{1,12} ?|./gsu;
const ASCII = /^[ -~]*$/;
const CONTINUED = '↳ ';
const OPEN = '⟨';
const CLOSE = '⟩';
/** So many blanks in a row are no longer read as such. */
const MANY_BLANKS = 4;
/** Letters that run from right to left, which on a terminal reorder the digits and brackets beside them. */
const REORDERS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** Those, marks that sit on their neighbour, and the marks' own characters, which no agent may write. */
const NOT_SHOWN = new RegExp(`${REORDERS.source}|\\p{M}|[⟨⟩‹›↳]`, 'gu');

/** The arguments' JSON text in lines of at most `width` columns. */
export function renderArguments(args: string, width: number): readonly string[] {
  return linesOf(readJson(args), 0, '', '').flatMap((line) => wrap(line, width));
}

/** A text of an agent, as a quoted JSON string with its marks. */
export function markText(text: string): string {
  return `"${markName(text).replaceAll('"', '\\"')}"`;
}

/** A name or message: marked, but without the quotes. */
export function markName(name: string): string {
  return revealText(name).map(markPiece).join('').replaceAll(`${CLOSE}${OPEN}`, '');
}

/** The visible characters beyond ASCII that a text holds: their code points, and what they look like. */
export function charactersBeyond(text: string): readonly string[] {
  const found = new Map<string, string>();
  for (const piece of revealText(text)) {
    if (piece.kind === 'look_alike') found.set(piece.text, `${piece.text} ${piece.label}`);
    if (piece.kind === 'foreign') for (const character of piece.text) found.set(character, `${character} ${codeOf(character)}`);
  }
  return [...found].flatMap(([character, shownAs]) => (REORDERS.test(character) ? [] : [shownAs]));
}

/** Cut into lines of at most `width` columns, between words where there are some, and after each `\n` of a string. */
export function wrap(line: string, width: number): readonly string[] {
  const indent = Math.min(line.length - line.trimStart().length, Math.max(0, width - NARROWEST));
  const margin = ' '.repeat(indent);
  return fill(line.trimStart(), width - indent, width - indent - CONTINUED.length).map(
    (text, index) => `${margin}${index === 0 ? '' : CONTINUED}${text}`,
  );
}

/** The lines of a text, the first of which has another width than the rest. Nothing is left out. */
export function fill(text: string, first: number, rest: number): readonly string[] {
  const lines: string[] = [];
  let current = '';
  let left = first;
  for (const word of text.match(WORDS) ?? []) {
    const columns = columnsOf(word);
    if (columns > left) {
      lines.push(current);
      current = '';
      left = rest;
    }
    current += word;
    // A text of several lines reads as such.
    left = word.endsWith('\\n') ? 0 : left - columns;
  }
  return [...lines, current];
}

/** An upper bound: what is beyond ASCII and no mark of ours may take two columns. */
export function columnsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += character < '\u007f' || OWN.has(character) ? 1 : 2;
  return columns;
}

const OWN: ReadonlySet<string> = new Set('⟨⟩‹›↳…│─█░');

function linesOf(value: Json, depth: number, before: string, after: string): readonly string[] {
  const margin = ' '.repeat(Math.min(depth, DEEPEST) * STEP);
  const [open, close, items] = partsOf(value);
  if (items === undefined) return [`${margin}${before}${renderLeaf(value)}${after}`];
  if (items.length === 0) return [`${margin}${before}${open}${close}${after}`];
  return [
    `${margin}${before}${open}`,
    ...items.flatMap(([label, item], index) => linesOf(item, depth + 1, label, index < items.length - 1 ? ',' : '')),
    `${margin}${close}${after}`,
  ];
}

type Labelled = readonly (readonly [string, Json])[];

function partsOf(value: Json): readonly [string, string, Labelled | undefined] {
  if (isArray(value)) return ['[', ']', value.map((item) => ['', item])];
  if (isObject(value)) return ['{', '}', Array.from(value, ([key, item]) => [`${markText(key)}: `, item])];
  return ['', '', undefined];
}

function renderLeaf(value: Json): string {
  if (typeof value === 'string') return markText(value);
  return isNumber(value) ? value.number : String(value);
}

function markPiece(piece: Piece): string {
  switch (piece.kind) {
    case 'plain':
      return piece.text.replaceAll('\\', '\\\\');
    case 'foreign':
    case 'look_alike':
      return `${OPEN}${piece.text.replace(NOT_SHOWN, escapeUnits)}${CLOSE}`;
    case 'unseen':
      return piece.text.startsWith(' ') ? markBlanks(piece.text) : (SHORT[piece.text] ?? escapeUnits(piece.text));
  }
}

/** A few blanks are seen between the quotes; many could push something out of sight. */
function markBlanks(blanks: string): string {
  return blanks.length < MANY_BLANKS ? blanks : `‹${blanks.length} blanks›`;
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

function escapeUnits(text: string): string {
  let escaped = '';
  for (let i = 0; i < text.length; i++) escaped += `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return escaped;
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
