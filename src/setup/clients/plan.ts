/** Changes of an entry, each with what takes it back. */
import { isObject, type JsonObject } from '../../core/json.ts';
import { EditRefused } from './edit.ts';
import type { EntryShape } from './shapes.ts';
import type { Change, EntryValue } from './types.ts';
import { written } from './values.ts';

/** Changes of an entry, and the changes that take them back from what it then is. */
export interface EntryPlan {
  readonly changes: readonly Change[];
  readonly undo: readonly Change[];
}

export const NOTHING: EntryPlan = { changes: [], undo: [] };

/** A member that was not there. */
export function addition(at: readonly string[], key: string, value: EntryValue, after: string): EntryPlan {
  return { changes: [{ kind: 'add', at, key, value, after }], undo: [{ kind: 'remove', at, key }] };
}

/** A member that goes. It comes back behind the command. */
export function removal(part: JsonObject, at: readonly string[], key: string, commandKey: string): EntryPlan {
  const value = written(part.get(key) ?? null);
  return { changes: [{ kind: 'remove', at, key }], undo: [{ kind: 'add', at, key, value, after: commandKey }] };
}

/** Both, the first one first. */
export function both(a: EntryPlan, b: EntryPlan): EntryPlan {
  return { changes: [...a.changes, ...b.changes], undo: [...a.undo, ...b.undo] };
}

/** Variables that join an entry's own. One that is there already stays as it is. */
export function envChanges(
  part: JsonObject,
  at: readonly string[],
  shape: EntryShape,
  wanted: readonly (readonly [string, EntryValue])[],
  after: string,
): EntryPlan {
  if (wanted.length === 0) return { changes: [], undo: [] };
  const env = part.get(shape.env);
  if (env === undefined) {
    return addition(at, shape.env, { entries: wanted }, after);
  }
  if (!isObject(env)) throw new EditRefused(`its ${JSON.stringify(shape.env)} is no map`);
  const path = [...at, shape.env];
  const [last] = [...env.keys()].reverse();
  if (last === undefined)
    return { changes: [{ kind: 'set', at: path, value: { entries: wanted } }], undo: [{ kind: 'set', at: path, value: { entries: [] } }] };
  const missing = wanted.filter(([key]) => !env.has(key));
  return {
    changes: missing.map(([key, value]) => ({ kind: 'add', at: path, key, value, after: last })),
    undo: missing.map(([key]) => ({ kind: 'remove', at: path, key })),
  };
}
