/**
 * Takes a rewrite back. Where the entry is as it was left, its old text comes back to the byte. Where
 * somebody changed it since, the change is kept and the rest taken back. Without a record a wrapped command says itself
 * what it was.
 */
import { isArray, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { apply, EditRefused, editEntry, locate, objectAt, restore } from './edit.ts';
import { FORMATS } from './format/formats.ts';
import { decodeText, encodeText, type FileWords } from './format/text.ts';
import { jsonText, sameJson, type TextFormat, valueIn } from './format/tree.ts';
import { ownCommandAt } from './front.ts';
import { partOf } from './read.ts';
import { type EntryShape, SHAPES } from './shapes.ts';
import type { Change, ClientServer, EditRefusal, EntryRecord, Nothing, Splice, Unwrap } from './types.ts';
import { replaced, valueAt } from './values.ts';
import { type FileText, refusing, wordsOf } from './wrap.ts';

/** Takes back what a record says. With several records of one file, take the last one first. */
export function planUnwrap(file: FileText, record: EntryRecord): Unwrap | Nothing | EditRefusal {
  return refusing(() => {
    const words = decodeText(file.bytes);
    const format = FORMATS[file.format];
    const found = locate(format.parse(words.text), record.at);
    if (!found) return { kind: 'nothing', why: 'the entry is not there any more' };
    const now = jsonText(valueIn(found.entry));
    if (now === record.was) return { kind: 'nothing', why: 'the entry is as it was before' };
    const splices = restore(words.text, format, record.at, record);
    if (splices) return exactly(words, format, record, splices);
    return takeBack(words, format, record, now === record.is ? 'exact' : 'changed');
  });
}

/** Takes Intercept away from before a command that nothing is recorded about. */
export function planUnwrapUnrecorded(file: FileText, { at, shape }: Pick<ClientServer, 'at' | 'shape'>): Unwrap | Nothing | EditRefusal {
  return refusing(() => {
    const words = decodeText(file.bytes);
    const format = FORMATS[file.format];
    const found = locate(format.parse(words.text), at);
    if (!found) return { kind: 'nothing', why: 'the entry is not there any more' };
    const changes = changesByItself(valueIn(found.entry), SHAPES[shape]);
    const edited = editEntry(words.text, format, at, changes);
    return { kind: 'unwrap', bytes: encodeText({ ...words, text: edited.text }), splices: edited.splices, certainty: 'guessed' };
  });
}

/** The old text in the place of the new one: held against the record, like every other edit. */
function exactly(words: FileWords, format: TextFormat, record: EntryRecord, splices: readonly Splice[]): Unwrap {
  const text = apply(words.text, splices);
  const before = format.parse(words.text);
  const after = format.parse(text);
  const is = valueIn(objectAt(after, record.at));
  if (jsonText(is) !== record.was || !sameJson(valueIn(after), replaced(valueIn(before), record.at, is)))
    throw new EditRefused('the old text does not fit into the file as it is now');
  return { kind: 'unwrap', bytes: encodeText({ ...words, text }), splices, certainty: 'exact' };
}

function takeBack(words: FileWords, format: TextFormat, record: EntryRecord, certainty: 'exact' | 'changed'): Unwrap {
  const now = valueIn(objectAt(format.parse(words.text), record.at));
  const changes = isObject(now) ? (undoOf(now, record) ?? changesByItself(now, SHAPES[record.shape])) : [];
  if (changes.length === 0) throw new EditRefused('the entry is no map any more');
  const edited = editEntry(words.text, format, record.at, changes);
  return { kind: 'unwrap', bytes: encodeText({ ...words, text: edited.text }), splices: edited.splices, certainty };
}

/** The record's changes, where what they take away is still ours; undefined where it is not. */
function undoOf(now: JsonObject, record: EntryRecord): readonly Change[] | undefined {
  const is = valueIn(FORMATS.json.parse(record.is));
  const fitted = record.undo.map((change) => fit(change, now, is));
  if (fitted.every((change) => change !== undefined)) return fitted;
  if (record.how === 'bridge')
    throw new EditRefused('what was written there was changed by hand: take its URL and headers from the backup');
  return undefined;
}

function fit(change: Change, now: Json, is: Json): Change | undefined {
  const target = valueAt(now, change.at);
  const ours = valueAt(is, change.at);
  if (change.kind === 'drop') return beginsAlike(target, ours, change.count) ? change : undefined;
  if (change.kind === 'set') return target !== undefined && ours !== undefined && sameJson(target, ours) ? change : undefined;
  if (change.kind === 'rename') return target === undefined ? undefined : change;
  if (change.kind !== 'remove') return change;
  return fitRemoval(change, valueAt(target, [change.key]), valueAt(ours, [change.key]));
}

/** A list of ours to which words were added since loses ours alone. */
function fitRemoval(change: Change & { kind: 'remove' }, now: Json | undefined, is: Json | undefined): Change | undefined {
  if (now === undefined || is === undefined) return undefined;
  if (sameJson(now, is)) return change;
  if (!isArray(is) || !beginsAlike(now, is, is.length)) return undefined;
  return { kind: 'drop', at: [...change.at, change.key], count: is.length };
}

function beginsAlike(now: Json | undefined, is: Json | undefined, count: number): boolean {
  if (now === undefined || is === undefined || !isArray(now) || !isArray(is) || now.length < count) return false;
  return is.slice(0, count).every((item, at) => sameJson(item, now[at] ?? null));
}

/** Takes what follows the first `--` for the command. Throws `EditRefused` where nothing does. */
function changesByItself(now: Json, shape: EntryShape): readonly Change[] {
  if (!isObject(now)) throw new EditRefused('the entry is no map any more');
  const [, ...args] = wordsOf(now, shape);
  const own = ownCommandAt(args);
  if (own === undefined) throw new EditRefused('nothing says which command stood there: no "--" with a command behind it');
  const { at, command = shape.command } = partOf(now, shape);
  if (shape.isOneList) return [{ kind: 'drop', at: [...at, command], count: own + 1 }];
  const list = [...at, shape.args];
  return [
    { kind: 'set', at: [...at, command], value: { copy: [...list, String(own)] } },
    { kind: 'drop', at: list, count: own + 1 },
  ];
}
