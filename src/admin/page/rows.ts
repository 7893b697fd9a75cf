/** A call's arguments as rows, one for each value, so that nothing stands below a fold (cli.md §3). */
import type { ArgumentRow } from '../../console/api.ts';
import { isArray, isNumber, isObject, type Json, typeOf } from '../../core/json.ts';
import { lookOf, revealText } from '../../core/reveal.ts';

export interface Rows {
  readonly rows: readonly ArgumentRow[];
  /** True where these are all, in full. */
  readonly complete: boolean;
}

/** A page can show so many, and a person can read them. */
const MOST_ROWS = 2_000;
export const MOST_CHARACTERS = 65_536;
/** Marks cost a browser more than letters do. */
const MOST_PIECES = 10_000;
const DEEPEST = 100;
const PLAIN_NAME = /^[A-Za-z_]\w{0,63}$/;

/** A value's row before its texts are revealed. */
export interface PlainRow {
  readonly path: string;
  readonly type: string;
  readonly text: string;
  readonly twin: boolean;
}

interface Progress {
  readonly rows: PlainRow[];
  characters: number;
  complete: boolean;
}

interface Place {
  readonly path: string;
  readonly depth: number;
  readonly twin: boolean;
}

/** Reveals each row; marks end the list, too. */
export function rowsOf(args: Json): Rows {
  const plain = plainRowsOf(args);
  const rows: ArgumentRow[] = [];
  let pieces = 0;
  for (const row of plain.rows) {
    const revealed = revealRow(row);
    pieces += revealed.path.length + revealed.value.length;
    if (pieces > MOST_PIECES) return { rows, complete: false };
    rows.push(revealed);
  }
  return { rows, complete: plain.complete };
}

export function revealRow({ path, type, text, twin }: PlainRow): ArgumentRow {
  return { path: revealText(path), type, value: revealText(text), twin };
}

/** Walks the value in the order it arrived in. */
export function plainRowsOf(args: Json): { readonly rows: readonly PlainRow[]; readonly complete: boolean } {
  const progress: Progress = { rows: [], characters: 0, complete: true };
  walk(args, { path: '', depth: 0, twin: false }, progress);
  return progress;
}

function walk(value: Json, place: Place, progress: Progress): void {
  if (!progress.complete) return;
  if (place.depth > DEEPEST) progress.complete = false;
  else if (isObject(value) && value.size > 0) walkObject(value, place, progress);
  else if (isArray(value) && value.length > 0)
    for (const [index, item] of value.entries())
      walk(item, { path: `${place.path}[${index}]`, depth: place.depth + 1, twin: place.twin }, progress);
  else addRow(value, place, progress);
}

function walkObject(object: ReadonlyMap<string, Json>, { path, depth, twin }: Place, progress: Progress): void {
  const looks = Map.groupBy(object.keys(), lookOf);
  for (const [name, item] of object) {
    const alike = (looks.get(lookOf(name))?.length ?? 1) > 1;
    walk(item, { path: joinPath(path, name), depth: depth + 1, twin: twin || alike }, progress);
  }
}

/** A name that could be taken for a path stands in brackets and quotes. */
function joinPath(path: string, name: string): string {
  if (!PLAIN_NAME.test(name)) return `${path}[${quote(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** As JSON writes it, but what shows nothing stays itself, to be revealed. */
function quote(name: string): string {
  return `"${name.replace(/["\\]/g, '\\$&')}"`;
}

function addRow(value: Json, { path, twin }: Place, progress: Progress): void {
  const text = textOf(value);
  progress.characters += path.length + text.length;
  if (progress.rows.length >= MOST_ROWS || progress.characters > MOST_CHARACTERS) {
    progress.complete = false;
    return;
  }
  progress.rows.push({ path, type: labelOf(value), text, twin });
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  if (isNumber(value)) return value.number;
  return isArray(value) || isObject(value) ? '' : String(value);
}

function labelOf(value: Json): string {
  switch (typeOf(value)) {
    case 'string':
      return `text, ${count([...(value as string)].length, 'character')}`;
    case 'array':
      return 'empty list';
    case 'object':
      return 'empty object';
    case 'boolean':
      return 'true or false';
    default:
      return typeOf(value);
  }
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
