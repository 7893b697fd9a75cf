/** Plans what a rewritten entry is: Intercept before a command, or as the bridge to a remote server. */
import { isArray, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { bridgeChanges } from './bridge.ts';
import { type Edited, EditRefused, editEntry, locate } from './edit.ts';
import { FORMATS } from './format/formats.ts';
import { decodeText, encodeText } from './format/text.ts';
import { jsonText, UnreadableText, valueIn } from './format/tree.ts';
import { beginsWith, frontWords, wrongFront } from './front.ts';
import { both, type EntryPlan, envChanges } from './plan.ts';
import { partOf, readEntry } from './read.ts';
import { type EntryShape, SHAPES } from './shapes.ts';
import type { Change, ClientServer, EditRefusal, EntryRecord, EntryValue, FileFormat, Front, Nothing, Rewrite } from './types.ts';

export interface FileText {
  readonly bytes: Uint8Array;
  readonly format: FileFormat;
}

type Named = Pick<ClientServer, 'name' | 'at' | 'shape'>;

/** Puts Intercept before the command of an entry. */
export function planWrap(file: FileText, server: Named, front: Front): Rewrite | Nothing | EditRefusal {
  return plan(file, server, front, 'wrap', (value, shape) => {
    const { entry } = readEntry(value, server.shape);
    if (entry.kind !== 'local') throw new EditRefused(entry.kind === 'other' ? entry.why : 'the entry is a remote server by now');
    return wrapChanges(value, shape, front);
  });
}

/** Makes a remote entry one that starts Intercept as the bridge. */
export function planBridge(file: FileText, server: Named, front: Front): Rewrite | Nothing | EditRefusal {
  return plan(file, server, front, 'bridge', (value, shape) => {
    const { entry, leave } = readEntry(value, server.shape);
    if (entry.kind !== 'remote') throw new EditRefused(entry.kind === 'other' ? entry.why : 'the entry is a command by now');
    if (leave !== undefined) throw new EditRefused(leave);
    return bridgeChanges(value, shape, front, entry);
  });
}

type Planning = (value: JsonObject, shape: EntryShape) => EntryPlan;

function plan(
  file: FileText,
  { name, at, shape }: Named,
  front: Front,
  how: EntryRecord['how'],
  changesOf: Planning,
): Rewrite | Nothing | EditRefusal {
  const bad = wrongFront(front, SHAPES[shape].references);
  if (bad !== undefined) return { kind: 'refused', why: bad };
  return refusing(() => {
    const { text, mark } = decodeText(file.bytes);
    const format = FORMATS[file.format];
    const found = locate(format.parse(text), at);
    if (!found) return { kind: 'nothing', why: 'the entry is not there any more' };
    const value = valueIn(found.entry);
    if (!isObject(value)) throw new EditRefused('its entry is no map');
    if (beginsWith(wordsOf(value, SHAPES[shape]), front)) return { kind: 'nothing', why: 'Intercept stands there already' };
    const { changes, undo } = changesOf(value, SHAPES[shape]);
    const edited = editEntry(text, format, at, changes);
    return {
      kind: 'rewrite',
      bytes: encodeText({ text: edited.text, mark }),
      splices: edited.splices,
      record: recordOf({ name, at, shape, how, undo }, edited),
    };
  });
}

function recordOf(record: Pick<EntryRecord, 'name' | 'at' | 'shape' | 'how' | 'undo'>, { was, is, before, after }: Edited): EntryRecord {
  return { ...record, was: jsonText(was), is: jsonText(is), before, after };
}

/** Turns what cannot be edited into a reason. */
export function refusing<T>(fn: () => T): T | EditRefusal {
  try {
    return fn();
  } catch (error) {
    if (error instanceof EditRefused || error instanceof UnreadableText) return { kind: 'refused', why: error.message };
    if (error instanceof RangeError) return { kind: 'refused', why: 'it is nested too deeply' };
    throw error;
  }
}

/** Program and arguments of an entry, as far as they are written. */
export function wordsOf(value: JsonObject, shape: EntryShape): readonly Json[] {
  const { part, command: nested = shape.command } = partOf(value, shape);
  const command = part.get(nested) ?? null;
  const args = part.get(shape.args) ?? [];
  if (shape.isOneList) return isArray(command) ? command : [];
  return [command, ...(isArray(args) ? args : [])];
}

function wrapChanges(value: JsonObject, shape: EntryShape, front: Front): EntryPlan {
  const { at, part, command: nested } = partOf(value, shape);
  const command = [...at, nested ?? shape.command];
  const args = [...at, shape.args];
  const own = [...frontWords(front), '--'];
  const last = !shape.isOneList && part.has(shape.args) ? shape.args : (command.at(-1) ?? '');
  const env = envChanges(part, at, shape, Object.entries(front.env), last);
  if (shape.isOneList) {
    const words = [front.program, ...own];
    const change: EntryPlan = {
      changes: [{ kind: 'prepend', at: command, items: words }],
      undo: [{ kind: 'drop', at: command, count: words.length }],
    };
    return both(change, env);
  }
  const items: readonly EntryValue[] = [...own, { copy: command }];
  const set: Change = { kind: 'set', at: command, value: front.program };
  const back: Change = { kind: 'set', at: command, value: { copy: [...args, String(own.length)] } };
  if (isArray(part.get(shape.args) ?? null)) {
    return both(
      { changes: [set, { kind: 'prepend', at: args, items }], undo: [back, { kind: 'drop', at: args, count: items.length }] },
      env,
    );
  }
  const added: Change = { kind: 'add', at, key: shape.args, value: { list: items }, after: command.at(-1) ?? '' };
  return both({ changes: [set, added], undo: [back, { kind: 'remove', at, key: shape.args }] }, env);
}
