/**
 * A walk through a JSON text, which can be interrupted, in search of lists of payment offers (policy.md §8). A server chooses
 * what is read here.
 */

import { fail, openScan, scanNumber, scanWord, skipSpace, stepInString } from '../json/scan.ts';
import type { Scan, Span } from '../json/scan-types.ts';
import { stringAt } from '../json/values.ts';
import {
  type AskingObject,
  endAsking,
  type Finds,
  isNoName,
  MAX_KEY,
  type Name,
  nameOf,
  noteElement,
  noteName,
  type OfferListing,
  openAsking,
  openList,
} from './offer-lists.ts';

const MAX_DEPTH = 256;

/** An object or array that was opened and is not closed. */
interface Level {
  readonly isObject: boolean;
  readonly start: number;
  asking: AskingObject | undefined;
  /** The name of the member that is read, where it matters, and whether it is written so. */
  name: Name | undefined;
  isExact: boolean;
  /** Of an array: the list that it may be. */
  readonly list: OfferListing | undefined;
  /** Of an array: where the element that is read begins. */
  elementStart: number;
}

export interface Walk {
  readonly scan: Scan;
  readonly end: number;
  readonly levels: Level[];
  readonly finds: Finds;
  /** −1 where the text is no JSON; then the scan says why. */
  at: number;
  /** The walk stands here at `at`: a value begins, within a string or a key, or behind a value. */
  state: 'value' | 'string' | 'key' | 'after';
  /** Where the string or key begins that is read. */
  stringStart: number;
}

/** At the beginning of the JSON text at `span`. */
export function openWalk(text: string, { start, end }: Span, finds: Finds): Walk {
  const scan = openScan(text, { strict: false, maxDepth: MAX_DEPTH, anySpace: true });
  return { scan, end, levels: [], finds, at: skipSpace(scan, start), state: 'value', stringStart: 0 };
}

/** Reads on to `until`, to the end, or to a string that is wanted. */
export function goOn(walk: Walk, until: number, isWanted: (span: Span) => boolean): Span | undefined {
  while (walk.at >= 0 && walk.at < until && !walk.finds.isUnreadable) {
    if (walk.state === 'value') beginValue(walk);
    else if (walk.state === 'key') {
      if (readString(walk, until)) endKey(walk);
    } else if (walk.state === 'string') {
      if (!readString(walk, until)) continue;
      walk.state = 'after';
      const span = { start: walk.stringStart, end: walk.at };
      if (isWanted(span)) return span;
    } else if (walk.levels.length === 0) {
      endText(walk);
      return undefined;
    } else endValue(walk);
  }
  return undefined;
}

/** Reads the rest of a string that was begun; true where it ended. */
function readString(walk: Walk, until: number): boolean {
  const { scan } = walk;
  const at = stepInString(scan, walk.at, until);
  const isWhole = at >= 0 && scan.text.charCodeAt(at) === 34;
  walk.at = isWhole ? at + 1 : at;
  return isWhole;
}

function beginString(walk: Walk, state: 'string' | 'key'): void {
  walk.state = state;
  walk.stringStart = walk.at;
  walk.at += 1;
}

/** An element of a batch ends where other text begins. */
function endText(walk: Walk): void {
  if (walk.at < walk.end) walk.at = skipSpace(walk.scan, walk.at);
  if (walk.at < walk.end) walk.at = fail(walk.scan, 'syntax', walk.at);
}

function beginValue(walk: Walk): void {
  const { scan, at } = walk;
  walk.state = 'after';
  switch (scan.text.charCodeAt(at)) {
    case 34:
      beginString(walk, 'string');
      return;
    case 123:
      openObject(walk);
      return;
    case 91:
      openArray(walk);
      return;
    case 116:
      walk.at = scanWord(scan, at, 'true');
      return;
    case 102:
      walk.at = scanWord(scan, at, 'false');
      return;
    case 110:
      walk.at = scanWord(scan, at, 'null');
      return;
    default:
      walk.at = scanNumber(scan, at);
  }
}

function openObject(walk: Walk): void {
  if (!openLevel(walk, true, undefined)) return;
  if (walk.scan.text.charCodeAt(walk.at) === 125) closeLevel(walk);
  else readKey(walk);
}

function openArray(walk: Walk): void {
  const outer = walk.levels.at(-1);
  const list = outer?.asking && openList(outer.asking, outer.name, outer.isExact, walk.at);
  if (!openLevel(walk, false, list)) return;
  if (walk.scan.text.charCodeAt(walk.at) === 93) closeLevel(walk);
  else beginElement(walk);
}

function openLevel(walk: Walk, isObject: boolean, list: OfferListing | undefined): boolean {
  const { levels, scan, at } = walk;
  if (levels.length >= MAX_DEPTH) {
    walk.at = fail(scan, 'too_deep', at);
    return false;
  }
  levels.push({ isObject, start: at, asking: undefined, name: undefined, isExact: false, list, elementStart: at });
  walk.at = skipSpace(scan, at + 1);
  return true;
}

function beginElement(walk: Walk): void {
  const level = walk.levels.at(-1);
  if (level) level.elementStart = walk.at;
  walk.state = 'value';
}

function readKey(walk: Walk): void {
  if (walk.scan.text.charCodeAt(walk.at) === 34) beginString(walk, 'key');
  else walk.at = fail(walk.scan, 'syntax', walk.at);
}

function endKey(walk: Walk): void {
  const { scan, at, stringStart } = walk;
  noteKey(walk, stringStart, at);
  const colon = skipSpace(scan, at);
  walk.at = scan.text.charCodeAt(colon) === 58 ? skipSpace(scan, colon + 1) : fail(scan, 'syntax', colon);
  walk.state = 'value';
}

function noteKey(walk: Walk, start: number, end: number): void {
  const { scan } = walk;
  const level = walk.levels.at(-1);
  if (!level) return;
  if (end - start > MAX_KEY) {
    level.name = undefined;
    if (!isNoName(partOf(scan.text, start + 1, start + MAX_KEY).value)) walk.finds.isUnreadable = true;
    return;
  }
  const key = stringAt(scan.text, { start, end }) ?? '';
  level.name = nameOf(key);
  if (!level.name) return;
  level.isExact = key === level.name;
  level.asking ??= openAsking();
  noteName(level.asking, level.name, level.isExact);
}

function endValue(walk: Walk): void {
  const { scan } = walk;
  const level = walk.levels.at(-1);
  if (!level) return;
  if (level.list) noteElement(level.list, { start: level.elementStart, end: walk.at });
  const at = skipSpace(scan, walk.at);
  walk.at = at;
  const code = scan.text.charCodeAt(at);
  if (code === (level.isObject ? 125 : 93)) closeLevel(walk);
  else if (code !== 44) walk.at = fail(scan, 'syntax', at);
  else {
    walk.at = skipSpace(scan, at + 1);
    if (level.isObject) readKey(walk);
    else beginElement(walk);
  }
}

/** `walk.at` is at the closing bracket. */
function closeLevel(walk: Walk): void {
  const level = walk.levels.pop();
  walk.at += 1;
  walk.state = 'after';
  if (!level) return;
  if (level.list) level.list.end = walk.at;
  const { asking } = level;
  if (!asking) return;
  const outer = walk.levels.at(-1)?.list;
  if (outer && asking.counts.intent > 0) outer.hasIntent = true;
  endAsking(asking, { start: level.start, end: walk.at }, walk.finds);
}

/** A part of a string's value. One that ends within an escape is no string: then a shorter one is. */
export function partOf(text: string, start: number, most: number): { readonly value: string; readonly end: number } {
  for (let end = most; end > start; end--) {
    const value = parseString(text.slice(start, end));
    if (value !== undefined) return { value, end };
  }
  return { value: '', end: most };
}

function parseString(inner: string): string | undefined {
  if (!inner.includes('\\')) return inner;
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch {
    return undefined;
  }
}
