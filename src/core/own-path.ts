/**
 * Rule (self), policy.md §5.1: an agent may not reach Intercept's own files through a server. What is compared are names:
 * as a path, as a URL reads it, with escapes undone, and without the case that some file systems do not distinguish.
 */
import { isArray, isObject, type Json } from './json.ts';
import { foldName, withoutUnseen } from './names.ts';
import { asText, type PathReading, someReading, withoutEscapes } from './path-readings.ts';
import { finish, type Slices } from './slices.ts';

/** The folders and files that are Intercept's own, prepared once. */
export interface OwnPaths {
  /** True where a text of JSON may name one somewhere: a cheap look, which no spelling gets past. */
  mayStandIn(json: string): boolean;
  /** True where this text is a path, or a URL, that names one. */
  names(text: string): boolean;
  /** The same of a text of any length. */
  namesInSlices(text: string): Slices<boolean>;
}

/** A path as a reader that follows no symbolic links walks it. */
interface Walked {
  /** Folded, from the root or from where the path climbed to; no more than are compared. */
  readonly names: readonly string[];
  readonly depth: number;
  /** It climbed above where it began this often. */
  readonly climbs: number;
  /** It passes what leads anywhere, or into another process: `/proc/self/root`, `/dev/fd`. */
  readonly leads: boolean;
  /** It passes a folder of our name, as `.intercept`. */
  readonly dotted: boolean;
}

/** In the folder of a process in `/proc`: links to anywhere, and what it keeps to itself, as the secrets in Intercept's environment (I10). */
const LINKS: ReadonlySet<string> = new Set(['root', 'cwd', 'fd', 'map_files', 'environ', 'mem']);
/** `/proc/<pid>/task/<tid>/root`. */
const LEAST_COMPARED = 5;
const DRIVE = /^[a-z]:/i;
/** A home by its short name: `~`, `~user`, `$HOME`, `${HOME}`, `%USERPROFILE%`. */
const HOME = /^(?:~[^/]*|\$\w+|\$\{\w+\}|%\w+%)\//;
/** Names before the last ones of a path that may stand for a home: `/root`, `/home/u`, `/var/home/u`. */
const MOST_HOME_NAMES = 3;
/** Characters from which on a text is long. */
const LONG = 32 * 1024;

/**
 * The cheap look: most texts name no file of ours, and need no other. No spelling that a server undoes gets past it.
 */
/** URL parsers leave these out, also as JSON writes them. */
const ONE_LEFT_OUT = '(?:\\\\[tnr]|[\\0-\\x1f\\x7f])';
const LEFT_OUT = `${ONE_LEFT_OUT}*`;
const NOT_ASCII = /\P{ASCII}/u;
/** Escapes may be escaped this often. */
const ROUNDS = 3;

/** Prepares normalised absolute paths. `folder` is where the server reads relative ones from, normalised; undefined where nobody knows. */
export function prepareOwnPaths(paths: readonly string[], folder?: string): OwnPaths {
  const walkAll = (path: string) => finish(walk(path, Number.POSITIVE_INFINITY, NONE)).names;
  const all = paths.map(walkAll);
  const own = all.filter((names, index) => !all.some((other, place) => place !== index && covers(other, names, place < index)));
  const base = folder === undefined ? undefined : walkAll(folder);
  const dotted = new Set(own.map(lastOf).filter((name) => name.startsWith('.')));
  const most = Math.max(LEAST_COMPARED, ...own.map((names) => names.length));
  // Where the server stands in one of our folders, `..` names it without saying its name.
  const within = base !== undefined && own.some((names) => begins(base, names));
  const hit = within ? EVERY : hintOf(own.map(lastOf));
  const prepared = { own, base, within, dotted, most };
  // A long text is read without a look before, which would be one stretch.
  const mayBeOne = (text: string) => own.length > 0 && (text.length > LONG || mayName(text, hit));
  const namesOne = (text: string) => someReading(text, (reading) => standsIn(reading, prepared));
  return {
    // JSON's escapes of characters are left to who reads them.
    mayStandIn: (json) => own.length > 0 && (json.includes('\\u') || mayName(json, hit)),
    names: (text) => mayBeOne(text) && finish(namesOne(text)),
    *namesInSlices(text) {
      return mayBeOne(text) && (yield* namesOne(text));
    },
  };
}

/** The first string in a value, at any depth, key or member, that names one of our own. */
export function ownPathIn(value: Json, own: OwnPaths): string | undefined {
  if (typeof value === 'string') return own.names(value) ? value : undefined;
  if (isArray(value)) return firstOf(value, own);
  return isObject(value) ? (firstOf(value.keys(), own) ?? firstOf(value.values(), own)) : undefined;
}

function firstOf(values: Iterable<Json>, own: OwnPaths): string | undefined {
  for (const value of values) {
    const found = ownPathIn(value, own);
    if (found !== undefined) return found;
  }
  return undefined;
}

const NONE: ReadonlySet<string> = new Set();

/** Of two that are the same, the first covers. */
function covers(other: readonly string[], names: readonly string[], isEarlier: boolean): boolean {
  return begins(names, other) && (other.length < names.length || isEarlier);
}

function begins(names: readonly string[], start: readonly string[]): boolean {
  return names.length >= start.length && start.every((name, index) => names[index] === name);
}

function lastOf(names: readonly string[]): string {
  return names.at(-1) ?? '';
}

interface Prepared {
  readonly own: readonly (readonly string[])[];
  readonly base: readonly string[] | undefined;
  readonly within: boolean;
  readonly dotted: ReadonlySet<string>;
  readonly most: number;
}

function* standsIn({ path, bytes }: PathReading, prepared: Prepared): Slices<boolean> {
  const { own, base, dotted, most } = prepared;
  if (path.startsWith('/') || DRIVE.test(path)) {
    const walked = yield* walk(path, most, NONE, bytes);
    return walked.leads || own.some((names) => begins(walked.names, names));
  }
  const home = HOME.exec(path)?.[0];
  const walked = yield* walk(home === undefined ? path : path.slice(home.length), most, dotted, bytes);
  if (walked.dotted) return true;
  if (walked.leads && (walked.climbs > 0 || base === undefined)) return true;
  if (home !== undefined) return own.some((names) => endsWith(names, walked.names, 1, MOST_HOME_NAMES));
  if (base === undefined) return own.some((names) => endsWith(names, walked.names, 2, names.length));
  return yield* leadsTo({ path, bytes }, walked, base, prepared);
}

/** True where what begins the path is what ends `own`: at least so many names, with at most so many before them. */
function endsWith(own: readonly string[], path: readonly string[], least: number, before: number): boolean {
  for (let length = least; length <= Math.min(own.length, path.length); length++)
    if (own.length - length <= before && begins(path, own.slice(own.length - length))) return true;
  return false;
}

/** A relative path, read from the server's folder. Where that is in ours, every text would lie there: only one that climbs, or names the folder, is meant. */
function* leadsTo(
  { path, bytes }: PathReading,
  { climbs }: Walked,
  base: readonly string[],
  { own, within, most }: Prepared,
): Slices<boolean> {
  const full = yield* walk(path, most, NONE, bytes, base);
  if (full.leads) return true;
  return own.some((names) => begins(full.names, names) && (!within || climbs > 0 || full.depth === names.length));
}

/** Walks `.`, `..` and `//`, lexically and in one pass; never climbs above the root. */
function* walk(path: string, most: number, dotted: ReadonlySet<string>, bytes = false, base: readonly string[] = []): Slices<Walked> {
  const names = base.slice(0, most);
  const shortest = Math.min(...Array.from(dotted, (name) => name.length));
  let depth = base.length;
  let climbs = 0;
  let leads = false;
  let passes = false;
  let pausedAt = 0;
  for (let at = 0, end = 0; at <= path.length; at = end + 1) {
    end = path.indexOf('/', at);
    if (end < 0) end = path.length;
    const length = end - at;
    if (at - pausedAt > LONG) {
      pausedAt = at;
      yield;
    }
    if (length === 0 || (length === 1 && path[at] === '.')) continue;
    if (length === 2 && path[at] === '.' && path[at + 1] === '.') {
      // SECURITY: names in /proc are links, and what is above where they lead is not what is above them.
      leads ||= depth > 1 && names[0] === 'proc';
      if (depth === 0) climbs += 1;
      else if (!(depth === 1 && DRIVE.test(names[0] ?? ''))) depth -= 1;
      if (names.length > depth) names.length = depth;
      continue;
    }
    const isCompared = depth < most;
    if (isCompared || (length >= shortest && mayBeDotted(path.charCodeAt(at)))) {
      const name = foldFileName(length <= LONG ? asText(path.slice(at, end), bytes) : yield* beginningOf(path, at, end, bytes));
      passes ||= dotted.has(name);
      if (isCompared) names.push(name);
    }
    depth += 1;
    leads ||= depth <= LEAST_COMPARED && isLink(names);
  }
  return { names, depth, climbs, leads, dotted: passes };
}

/** True where a name that begins so may be one that begins with a dot. Letters, digits and signs of ASCII stay what they are. */
function mayBeDotted(code: number): boolean {
  return code === 46 || code <= 32 || code >= 127;
}

/** Characters of a long name that are looked at: more than any file system has, however they are composed. */
const MOST_SHOWN = 4096;

const MOST_CONTINUED = 3;

/** Yields the beginning of a long name, without what shows nothing. Who cuts off what follows, or leaves dots and blanks out, is at no other name. */
function* beginningOf(path: string, start: number, end: number, bytes: boolean): Slices<string> {
  let shown = '';
  for (let at = start; at < end && shown.length < MOST_SHOWN; ) {
    let to = Math.min(end, at + LONG);
    // A character of UTF-8 is not torn apart: what continues it is a byte from 0x80 to 0xbf.
    for (let more = 0; more < MOST_CONTINUED && to < end && isContinued(path.charCodeAt(to), bytes); more++) to++;
    shown = withoutUnseen(shown + asText(path.slice(at, to), bytes)).trimStart();
    at = to;
    yield;
  }
  return shown.slice(0, MOST_SHOWN);
}

function isContinued(code: number, bytes: boolean): boolean {
  return bytes ? (code & 0xc0) === 0x80 && code <= 0xff : code >= 0xdc00 && code < 0xe000;
}

function isLink(names: readonly string[]): boolean {
  const last = lastOf(names);
  if (names[0] === 'dev') return names.length === 2 && last === 'fd';
  if (names[0] !== 'proc' || !LINKS.has(last)) return false;
  return names.length === 3 || (names.length === 5 && names[2] === 'task');
}

/** One look for names that some file system takes for the same: without case, without dots and blanks at the end, without a stream's name. */
function foldFileName(name: string): string {
  const folded = foldName(name);
  if (!/[.: ]/.test(folded)) return folded;
  const colon = folded.indexOf(':');
  const plain = colon > 1 ? folded.slice(0, colon) : folded;
  let end = plain.length;
  while (end > 0 && (plain[end - 1] === '.' || plain[end - 1] === ' ')) end--;
  return plain.slice(0, end);
}

/** The longest part of a name that JSON, URLs and case leave as it is; the empty one is in every text. */
function anchorOf(name: string): string {
  return (name.match(/[a-z0-9_][a-z0-9._~ -]*/g) ?? []).reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

/** The names that a path of ours cannot do without. */
interface Hint {
  /** As they stand in a text in lower case of which nothing is left out: the platform's own search finds them. */
  readonly plain: readonly string[];
  /** As they stand in any. */
  readonly spelt: RegExp;
}

/** It is in every text. */
const EVERY: Hint = { plain: [''], spelt: /(?:)/ };

/** Readies the hint for these names, in lower case. */
function hintOf(names: readonly string[]): Hint {
  const anchors = names.map(anchorOf);
  const leading = `(?:${spelt('proc')}|${spelt('dev')})${LEFT_OUT}[/\\\\]`;
  return {
    plain: [...new Set([...anchors, 'proc/', 'proc\\', 'dev/', 'dev\\'])],
    spelt: new RegExp([...anchors.map(spelt), leading].join('|'), 'i'),
  };
}

function spelt(name: string): string {
  return Array.from(name, (one) => one.replace(/[.]/, '\\.')).join(LEFT_OUT);
}

/** A cheap look: linear, and most of it is the platform's own search. What is not ASCII may show nothing, and is left out. */
function mayName(text: string, { plain, spelt: any }: Hint): boolean {
  let read = NOT_ASCII.test(text) ? foldName(text).replace(BEYOND, '') : text;
  for (let round = 0; ; round++) {
    if (ANY_LEFT_OUT.test(read)) {
      if (any.test(read)) return true;
    } else {
      const lower = read.toLowerCase();
      for (const name of plain) if (lower.includes(name)) return true;
    }
    if (round === ROUNDS || !read.includes('%')) return false;
    const next = withoutEscapes(read);
    if (next === read) return false;
    read = next.replace(BEYOND, '');
  }
}

const BEYOND = /\P{ASCII}+/gu;
const ANY_LEFT_OUT = new RegExp(ONE_LEFT_OUT);
