/**
 * Arguments as a record holds them (cli.md §2): masked and cut value by value. Where there is too much of them, each
 * member gets its share of the bytes. INVARIANT I12: no member can push another one out.
 */
import { isArray, isNumber, isObject, type Json, type JsonNumber, type JsonObject } from '../core/json.ts';
import { costOf } from './escape.ts';
import { type MaskOptions, maskText, type Tally } from './mask.ts';
import { isSecretName, MOST_NAME } from './secrets.ts';
import { type Budget, MOST_HIDDEN } from './spans.ts';

export interface FitOptions extends MaskOptions {
  /** Bytes that one value may take. */
  readonly perValue: number;
}

/** Each member takes so many bytes at least; where too few bytes are left for that, those in the middle are counted instead. */
const LEAST_SHARE = 64;
/** Names that are longer may be credentials themselves. */
const LONG_NAME = 16;

/** The same value where nothing is hidden or cut, else a copy. `under`: it stands below a secret-like name. */
export function fit(value: Json, bytes: number, options: FitOptions, tally: Tally, under?: Budget): Json {
  if (value === null || typeof value === 'boolean' || value === '') return value;
  if (typeof value === 'string') return maskText(value, options, Math.min(bytes, options.perValue), tally, under !== undefined, under);
  if (isNumber(value)) return fitNumber(value, Math.min(bytes, options.perValue), options, tally, under);
  const space = bytes === Infinity || sizeOf(value, bytes) <= bytes ? Infinity : bytes;
  return isObject(value) ? fitObject(value, space, options, tally, under) : fitArray(value, space, options, tally, under);
}

function fitNumber(value: JsonNumber, bytes: number, options: FitOptions, tally: Tally, under?: Budget): Json {
  if (!under && value.number.length <= bytes) return value;
  const shown = maskText(value.number, options, bytes, tally, under !== undefined, under);
  return shown === value.number ? value : shown;
}

/** Command lines are arrays too: what follows `--password` is a secret. */
function fitArray(values: readonly Json[], bytes: number, options: FitOptions, tally: Tally, under?: Budget): readonly Json[] {
  const { head, tail } = ends(values.length, bytes);
  const kept = head === values.length ? values : [...values.slice(0, head), ...values.slice(tail)];
  const share = sharesOf(kept, bytes);
  let changed = kept !== values;
  const fitted = kept.map((value, i) => {
    const before = kept !== values && i === head ? values[tail - 1] : kept[i - 1];
    const secret = under ?? (isSecretFlag(before) && typeof value === 'string' ? { left: MOST_HIDDEN } : undefined);
    const shown = fit(value, share, options, tally, secret);
    changed ||= shown !== value;
    return shown;
  });
  if (kept !== values) {
    tally.cut++;
    fitted.splice(head, 0, `…[cut, ${tail - head} of ${values.length} items]…`);
  }
  return changed ? fitted : values;
}

function fitObject(object: JsonObject, bytes: number, options: FitOptions, tally: Tally, under?: Budget): JsonObject {
  const { head, tail } = ends(object.size, bytes, MOST_NAME);
  const isWhole = head === object.size;
  const kept = isWhole ? object : membersAt(object, head, tail);
  const share = bytes === Infinity ? bytes : sharesOf([...kept.values()], bytes - namesOf(kept));
  let copy = isWhole ? undefined : new Map<string, Json>();
  let index = 0;
  for (const [name, value] of kept) {
    if (!isWhole && index === head) copy?.set(`…[cut, ${tail - head} of ${object.size} members]…`, null);
    const secret = isSecretName(name, isNumber(value)) || (name.length === 5 && name.toLowerCase() === 'value' && isLabelled(object));
    const shown = fit(value, share, options, tally, secret ? { left: MOST_HIDDEN } : under);
    const shownName = name.length < LONG_NAME ? name : maskText(name, options, MOST_NAME, tally);
    if (shown !== value || shownName !== name) copy ??= new Map([...kept].slice(0, index));
    copy?.set(unusedName(shownName, copy), shown);
    index++;
  }
  if (!isWhole) tally.cut++;
  return copy ?? object;
}

/** Names that became alike must not hide each other. */
function unusedName(name: string, members: JsonObject): string {
  let unused = name;
  for (let count = 2; members.has(unused); count++) unused = `${name} (${count})`;
  return unused;
}

/** Chooses which of `count` members are shown: all, or as many first and last ones as the bytes allow. */
function ends(count: number, bytes: number, name = 0): { readonly head: number; readonly tail: number } {
  const most = Math.max(2, Math.floor(bytes / (LEAST_SHARE + name)));
  return count <= most ? { head: count, tail: count } : { head: most >> 1, tail: count - (most >> 1) };
}

function membersAt(object: JsonObject, head: number, tail: number): JsonObject {
  const members = new Map<string, Json>();
  let index = 0;
  for (const name of object.keys()) {
    if (index < head || index >= tail) members.set(name, object.get(name) ?? null);
    index++;
  }
  return members;
}

function namesOf(object: JsonObject): number {
  let cost = 0;
  for (const name of object.keys()) cost += Math.min(costOf(name, MOST_NAME), MOST_NAME) + 4;
  return cost;
}

/** Of what a large member gets the levels below it leave an eighth: so the work stays in proportion to them, at any depth. */
const BELOW = 7 / 8;

/** Divides the bytes: members that need less than their share leave the rest of it to the others. */
function sharesOf(values: readonly Json[], bytes: number): number {
  if (bytes === Infinity) return bytes;
  const share = Math.max(LEAST_SHARE, Math.floor(bytes / Math.max(1, values.length)));
  let spare = bytes;
  let large = 0;
  for (const value of values) {
    const size = sizeOf(value, share);
    if (size <= share) spare -= size;
    else large++;
  }
  return Math.max(share, large === 0 ? share : Math.floor((spare * BELOW) / large));
}

/** The bytes of a value as JSON; where they are more than `most`, some number above it, found in as many steps. */
function sizeOf(value: Json, most: number): number {
  if (typeof value === 'string') return costOf(value, most) + 3;
  if (isNumber(value)) return value.number.length + 1;
  if (value === null || typeof value === 'boolean') return 6;
  return isArray(value) ? sizeOfArray(value, most) : isObject(value) ? sizeOfObject(value, most) : 0;
}

function sizeOfArray(values: readonly Json[], most: number): number {
  let size = 3;
  for (let i = 0; i < values.length && size <= most; i++) size += sizeOf(values[i] ?? null, most - size);
  return size;
}

function sizeOfObject(object: JsonObject, most: number): number {
  let size = 3;
  for (const [name, member] of object) {
    size += costOf(name, most) + 4 + sizeOf(member, most - size);
    if (size > most) return size;
  }
  return size;
}

function isSecretFlag(value: Json | undefined): boolean {
  return typeof value === 'string' && value.startsWith('--') && value.length < 64 && !value.includes('=') && isSecretName(value);
}

/** `{name: "Authorization", value: …}`, as headers and environment variables are often given. */
function isLabelled(object: JsonObject): boolean {
  if (object.size < 2) return false;
  for (const key of ['name', 'key', 'Name', 'Key']) {
    const label = object.get(key);
    if (typeof label === 'string' && label.length <= 128 && isSecretName(label)) return true;
  }
  return false;
}
