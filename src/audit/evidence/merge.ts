/**
 * All audit files of a home as one stream in order of time (cli.md §1), as often as it is asked for: what was read once is
 * not read again. Records of one process stay in their own order, also where its clock was set back.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type RawLine, readBlocks } from './lines.ts';
import { chainsOf, listEventFiles, parseRecord, type StoredRecord, unreadable, whyUnread } from './read.ts';

/** A record with its text: numbers in `record` are doubles, those in `text` are what the agent sent. */
export interface StoredLine {
  readonly record: StoredRecord;
  readonly text: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Something that is passed over: the first line of a file that is no record, or a file that cannot be read. */
export interface ReadFault {
  readonly file: string;
  readonly line: number | undefined;
  readonly why: string;
}

export interface EventReader {
  /** The records that were written since the last time. */
  next(): AsyncGenerator<StoredLine>;
}

export interface ReaderOptions {
  /** Epoch ms: leaves out what is older. */
  readonly since?: number | undefined;
  /** Without it, a file that cannot be read ends the reading. */
  readonly onFault?: ((fault: ReadFault) => void) | undefined;
}

/** The position up to which a file was read. */
interface Place {
  readonly file: string;
  end: number;
  lines: number;
  isFaulty: boolean;
}

/** Where one chain is read: `place` is the file that `block` is of. */
interface Cursor {
  readonly blocks: AsyncGenerator<Block>;
  block: Block | undefined;
  index: number;
  head: (StoredLine & { readonly end: number }) | undefined;
  /** Nothing earlier comes from it: the time of its head, or in the name of its first file. */
  at: number;
  /** Decides where times are equal. */
  readonly order: number;
}

interface Block {
  readonly place: Place;
  readonly lines: readonly RawLine[];
}

type Report = (place: Place, why: string, isLine: boolean) => void;

/** INVARIANT I11: what is read at once of each process that ran at one time. */
const SHARE = 65_536;

/** Opens a reader of the folder's files, which may come and grow. A line that is not whole yet is read when it is. */
export function openEventReader(dir: string, { since = -Infinity, onFault = refuse }: ReaderOptions = {}): EventReader {
  /** Files that are gone leave it. */
  const places = new Map<string, Place>();
  const report: Report = (place, why, isLine) => {
    if (place.isFaulty) return;
    place.isFaulty = true;
    onFault({ file: place.file, line: isLine ? place.lines : undefined, why });
  };
  return {
    async *next() {
      const files = await listEventFiles(dir);
      const there = new Set(files);
      for (const file of places.keys()) if (!there.has(file)) places.delete(file);
      const cursors: Cursor[] = [];
      for (const chain of chainsOf(files)) {
        const grown = await grownOf(chain, places, since);
        if (grown.length > 0) cursors.push(openCursor(grown, cursors.length, report));
      }
      yield* merge(cursors, (cursor) => takeLine(cursor, since, report));
    },
  };
}

function refuse({ file, line, why }: ReadFault): void {
  if (line === undefined) throw unreadable('audit file', file, why);
}

/** The places in a chain behind which there is more. */
async function grownOf(chain: readonly string[], places: Map<string, Place>, since: number): Promise<readonly Place[]> {
  const grown: Place[] = [];
  for (const file of chain) {
    const place = places.get(file) ?? { file, end: 0, lines: 0, isFaulty: false };
    const now = await stat(file).catch(() => undefined);
    if (!now || now.size === place.end || (place.end === 0 && now.mtimeMs < since)) continue;
    // What was written by halves is taken back, and written anew elsewhere.
    if (now.size < place.end) place.end = now.size;
    places.set(file, place);
    grown.push(place);
  }
  return grown;
}

/** A chain whose files are not looked into before their time has come. */
function openCursor(places: readonly Place[], order: number, report: Report): Cursor {
  const begun = Date.parse(basename(places[0]?.file ?? '').replace(/^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d{3}Z)-.*/, '$1:$2:$3'));
  return {
    blocks: blocksOf(places, report),
    block: undefined,
    index: 0,
    head: undefined,
    order,
    at: Number.isNaN(begun) ? -Infinity : begun,
  };
}

async function* blocksOf(places: readonly Place[], report: Report): AsyncGenerator<Block> {
  for (const place of places) {
    try {
      for await (const lines of readBlocks(place.file, place.end, SHARE)) yield { place, lines };
    } catch (error) {
      report(place, whyUnread(error), false);
    }
  }
}

/** Yields the earliest head of all, again and again. `take` answers whether there is one more in what was read. */
async function* merge(cursors: Cursor[], take: (cursor: Cursor) => boolean): AsyncGenerator<StoredLine> {
  cursors.sort((a, b) => a.at - b.at);
  for (let first = cursors[0]; first; first = cursors[0]) {
    if (first.head) {
      if (first.block) first.block.place.end = first.head.end;
      yield first.head;
    }
    if (take(first) || (await fill(first, take))) moveBack(cursors);
    else cursors.shift();
  }
}

async function fill(cursor: Cursor, take: (cursor: Cursor) => boolean): Promise<boolean> {
  for (;;) {
    const { done, value } = await cursor.blocks.next();
    if (done) return false;
    cursor.block = value;
    cursor.index = 0;
    if (take(cursor)) return true;
  }
}

/** Puts the first one in its place: behind the few that are before its new head. */
function moveBack(cursors: Cursor[]): void {
  const [first] = cursors;
  let to = 0;
  for (let next = cursors[1]; first && next && isBefore(next, first); next = cursors[to + 1]) cursors[to++] = next;
  if (first) cursors[to] = first;
}

function isBefore(one: Cursor, other: Cursor): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Makes the block's next record the head. What is no record is passed over, and what is too old. */
function takeLine(cursor: Cursor, since: number, report: Report): boolean {
  const { block } = cursor;
  if (!block) return false;
  const { place, lines } = block;
  while (cursor.index < lines.length) {
    const { bytes, end, fault } = lines[cursor.index++] as RawLine;
    // More of it may come.
    if (fault === 'torn') return false;
    place.lines++;
    const line = fault ? 'it is longer than any record' : readLine(bytes, since);
    if (typeof line === 'object') {
      cursor.head = { ...line, end };
      cursor.at = line.at;
      return true;
    }
    place.end = end;
    if (line !== undefined) report(place, line, true);
  }
  return false;
}

/** The record, undefined where it is too old, or what is wrong with the line. */
function readLine(bytes: Buffer, since: number): StoredLine | string | undefined {
  if (beginsBefore(bytes, since)) return undefined;
  const text = bytes.toString('utf8');
  const record = parseRecord(text);
  const at = record ? Date.parse(record.ts) : Number.NaN;
  if (!record || Number.isNaN(at)) return record ? 'its time is none' : 'it is no record';
  return at < since ? undefined : { record, text, at };
}

const BEGINNING = '{"ts":"';
const TIME = BEGINNING.length + new Date(0).toISOString().length;

/** Looks at the time alone, without reading the record: most of a long log is too old. */
function beginsBefore(bytes: Buffer, since: number): boolean {
  if (since === -Infinity) return false;
  const beginning = bytes.toString('latin1', 0, TIME);
  return beginning.startsWith(BEGINNING) && Date.parse(beginning.slice(BEGINNING.length)) < since;
}
