/**
 * The scan of a large text, in slices (wire.md §2.13). It finds what `scanMessage` finds, and the members of `_meta`
 * besides, because nobody should have to look through a large one again.
 */
import type { Slices } from '../../core/slices.ts';
import { openLenient } from './edit.ts';
import { endOfMessage, fail, isKnownKey, MANY_KEYS, MAX_BATCH, readKey, scanString, scanValue, skipSpace, stepInString } from './scan.ts';
import type { Member, Scan, Top } from './scan-types.ts';
import { endsWithin } from './values.ts';

/** Characters between two pauses. */
const SLICE = 32 * 1024;

/** Keys of one object that are held against each other: a set of more takes too long to grow. */
const MAX_KEYS = 500_000;

/** A container whose end has not come. */
interface Open {
  readonly isObject: boolean;
  readonly into: Member[] | undefined;
  readonly most: number;
  readonly role: Role;
  /** Where its keys begin among those of the scan; all of them, once they are many. */
  readonly firstKey: number;
  keys: Set<string> | undefined;
  /** The value that is read: where it begins, under which key, and what becomes of its members. */
  key: string;
  keyStart: number;
  start: number;
  members: Member[] | undefined;
}

/**
 * The role of a container says whether its members are kept: those of a message, of the elements of a batch or a list, of
 * `params` and `result`, and of their `_meta`.
 */
type Role = 'batch' | 'list' | 'message' | 'body' | 'plain';

/** Members that are kept of all messages of a batch together (INVARIANT I11): of more, each collection of garbage would be a pause. */
const MAX_KEPT = 100_000;

/** Scans the whole text, as `scanMessage` does. */
export function* scanMessageInSlices(scan: Scan, into: Member[]): Slices<Top | undefined> {
  scan.budget = MAX_KEPT;
  const start = skipSpace(scan, 0);
  const code = scan.text.charCodeAt(start);
  const top: Top = code === 123 ? 'object' : code === 91 ? 'array' : 'other';
  const role = top === 'object' ? 'message' : top === 'array' ? 'batch' : 'plain';
  const end = yield* scanInSlices(scan, start, role, top === 'other' ? undefined : into);
  return endOfMessage(scan, top, end);
}

/**
 * Entries of one page of a list, at most: of more, each collection of garbage would be a pause (INVARIANT I11). No list
 * that is kept has a tenth of them.
 */
export const MAX_ENTRIES = 100_000;

/** Elements of the array that starts at `start` of a text known to be valid, as `elementsAt` finds them; undefined where they are too many. */
export function* elementsInSlices(text: string, start: number): Slices<readonly Member[] | undefined> {
  const into: Member[] = [];
  const end = yield* scanInSlices({ ...openLenient(text), maxMembers: MAX_ENTRIES }, start, 'list', into);
  return end < 0 ? undefined : into;
}

/** The end of the value at `at`; −1 and a fault in the scan where it is not sound. */
function* scanInSlices(scan: Scan, at: number, role: Role, into: Member[] | undefined): Slices<number> {
  const { text } = scan;
  const stack: Open[] = [];
  let open: Open | undefined;
  let pausedAt = at;
  let i = at;
  for (;;) {
    if (i - pausedAt > SLICE) {
      pausedAt = i;
      yield;
    }
    const code = text.charCodeAt(i);
    if (code === 123 || code === 91) {
      if (stack.length >= scan.maxDepth) return fail(scan, 'too_deep', i);
      open = open ? openWithin(open, code === 123, scan) : openFirst(code === 123, role, into, scan);
      stack.push(open);
      i = skipSpace(scan, i + 1);
      if (text.charCodeAt(i) !== closing(open)) {
        i = beginItem(scan, open, i);
        if (i < 0) return i;
        continue;
      }
      i++;
      stack.pop();
      open = stack.at(-1);
    } else if (code === 34) {
      i = endsWithin(text, i, SLICE) ? scanString(scan, i) : yield* scanLongString(scan, i);
    } else i = scanValue(scan, i, 1);
    if (i < 0) return i;
    i = afterValue(scan, stack, i);
    if (i < 0 || stack.length === 0) return i;
    open = stack.at(-1);
  }
}

function openFirst(isObject: boolean, role: Role, into: Member[] | undefined, scan: Scan): Open {
  const most = role === 'batch' ? MAX_BATCH : scan.maxMembers;
  return { isObject, into, most, role, firstKey: scan.keyCount, keys: undefined, key: '', keyStart: 0, start: 0, members: undefined };
}

/** A container as the value that `parent` is at. */
function openWithin(parent: Open, isObject: boolean, scan: Scan): Open {
  const role = isObject && parent.into ? roleWithin(parent) : undefined;
  parent.members = role && [];
  return openFirst(isObject, role ?? 'plain', parent.members, scan);
}

/** Finds the role of an object there; undefined where its members are not kept. */
function roleWithin({ role, key }: Open): Role | undefined {
  switch (role) {
    case 'batch':
      return 'message';
    case 'list':
      return 'plain';
    case 'message':
      return key === 'params' || key === 'result' ? 'body' : undefined;
    case 'body':
      return key === '_meta' ? 'plain' : undefined;
    case 'plain':
      return undefined;
  }
}

function closing({ isObject }: Open): number {
  return isObject ? 125 : 93;
}

/** Where the value of the next member, or the next element, begins. */
function beginItem(scan: Scan, open: Open, at: number): number {
  open.members = undefined;
  open.keyStart = at;
  open.start = at;
  if (!open.isObject) return at;
  const { text } = scan;
  if (text.charCodeAt(at) !== 34) return fail(scan, 'syntax', at);
  const end = scanString(scan, at);
  if (end < 0) return end;
  open.key = scan.strict || open.into ? readKey(scan, at, end) : '';
  if (scan.strict) {
    const { key, keys, firstKey } = open;
    if (keys ? keys.has(key) : isKnownKey(scan, firstKey, key)) return fail(scan, 'duplicate_key', at, key);
    if ((keys?.add(key).size ?? 0) > MAX_KEYS) return fail(scan, 'too_many', at, MAX_KEYS);
    if (!keys && scan.keyCount - firstKey === MANY_KEYS) open.keys = new Set(scan.keys.slice(firstKey, scan.keyCount));
  }
  const colon = skipSpace(scan, end);
  if (text.charCodeAt(colon) !== 58) return fail(scan, 'syntax', colon);
  open.start = skipSpace(scan, colon + 1);
  return open.start;
}

/** A value ended at `end`: goes on to where the next one begins, or to the end of all that ends with it. */
function afterValue(scan: Scan, stack: Open[], end: number): number {
  const { text } = scan;
  let i = end;
  for (let open = stack.at(-1); open; open = stack.at(-1)) {
    const { into, key, keyStart, start, members, most, isObject } = open;
    if (into && into.push({ key, keyStart, start, end: i, members }) > most)
      return isObject ? fail(scan, 'too_many', keyStart, most) : fail(scan, 'batch', keyStart);
    if (into && --scan.budget < 0) return fail(scan, 'too_many', keyStart, MAX_KEPT);
    i = skipSpace(scan, i);
    const code = text.charCodeAt(i);
    if (code === 44) return beginItem(scan, open, skipSpace(scan, i + 1));
    if (code !== closing(open)) return fail(scan, 'syntax', i);
    i++;
    scan.keyCount = open.firstKey;
    stack.pop();
  }
  return i;
}

function* scanLongString(scan: Scan, at: number): Slices<number> {
  let i = at + 1;
  for (let limit = i + SLICE; ; limit = i + SLICE) {
    i = stepInString(scan, i, limit);
    if (i < 0) return i;
    if (scan.text.charCodeAt(i) === 34) return i + 1;
    yield;
  }
}
