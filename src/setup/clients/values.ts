/** Changes an entry's value, without its text: the plan that the edited text is held against. */
import { isArray, isObject, type Json } from '../../core/json.ts';
import type { Change, EntryPath, EntryValue } from './types.ts';

/** The value with all changes made. Their paths are those of the value as it was. */
export function changed(was: Json, changes: readonly Change[]): Json {
  const renames = changes.filter((change) => change.kind === 'rename').sort((a, b) => b.at.length - a.at.length);
  const others = changes.filter((change) => change.kind !== 'rename');
  return [...others, ...renames].reduce((value, change) => changeOne(value, change, was), was);
}

function changeOne(value: Json, change: Change, was: Json): Json {
  switch (change.kind) {
    case 'set':
      return update(value, change.at, () => plain(change.value, was));
    case 'add':
      return updateObject(value, change.at, (members) => [...members, [change.key, plain(change.value, was)]]);
    case 'remove':
      return updateObject(value, change.at, (members) => members.filter(([key]) => key !== change.key));
    case 'rename': {
      const last = change.at.at(-1);
      const rename = ([key, member]: readonly [string, Json]) => [key === last ? change.key : key, member] as const;
      return updateObject(value, change.at.slice(0, -1), (members) => members.map(rename));
    }
    case 'prepend':
      return update(value, change.at, (list) => [...change.items.map((item) => plain(item, was)), ...(isArray(list) ? list : [])]);
    case 'drop':
      return update(value, change.at, (list) => (isArray(list) ? list.slice(change.count) : list));
  }
}

type Members = readonly (readonly [string, Json])[];

function updateObject(value: Json, at: readonly string[], fn: (members: Members) => Members): Json {
  return update(value, at, (object) => (isObject(object) ? new Map(fn([...object])) : object));
}

function update(value: Json, at: readonly string[], fn: (value: Json) => Json): Json {
  const [key, ...rest] = at;
  if (key === undefined) return fn(value);
  if (isObject(value)) return new Map(Array.from(value, ([name, member]) => [name, name === key ? update(member, rest, fn) : member]));
  if (isArray(value)) return value.map((item, index) => (String(index) === key ? update(item, rest, fn) : item));
  return value;
}

/** A written value as it is. */
export function plain(written: EntryValue, was: Json): Json {
  if (written === null || typeof written !== 'object') return written;
  if ('number' in written) return written;
  if ('list' in written) return written.list.map((item) => plain(item, was));
  if ('entries' in written) return new Map(written.entries.map(([key, value]) => [key, plain(value, was)]));
  return valueAt(was, written.copy) ?? null;
}

/** A value as it is written down in a journal. */
export function written(value: Json): EntryValue {
  if (value === null || typeof value !== 'object') return value;
  if (isArray(value)) return { list: value.map(written) };
  return isObject(value) ? { entries: Array.from(value, ([key, member]) => [key, written(member)] as const) } : value;
}

/** The value at keys from another on. */
export function valueAt(value: Json | undefined, at: readonly string[]): Json | undefined {
  return at.reduce<Json | undefined>((from, key) => {
    if (isObject(from)) return from.get(key);
    return from !== undefined && isArray(from) ? from[Number(key)] : undefined;
  }, value);
}

/** The whole file's value with another entry in its place. */
export function replaced(root: Json, at: EntryPath, entry: Json): Json {
  const [step, ...rest] = at;
  if (step === undefined) return entry;
  if (typeof step === 'string') return update(root, [step], (inner) => replaced(inner, rest, entry));
  if (!isArray(root)) return root;
  return root.map((item) => (isObject(item) && item.get('name') === step.name ? replaced(item, rest, entry) : item));
}
