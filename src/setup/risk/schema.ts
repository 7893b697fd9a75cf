/** Reads the arguments of a tool from its input schema. A schema is hostile: it may be wide, deep, or a circle. */
import { isArray, isObject, type Json, type JsonObject } from '../../core/json.ts';

/** INVARIANT I11: so many arguments, values and levels are read; what is beyond is doubt. */
const MAX_ARGUMENTS = 800;
const MAX_STEPS = 5 * MAX_ARGUMENTS;
const MAX_VALUES = 200;
const MAX_DEPTH = 12;
const MAX_TEXT = 2_000;

export interface Argument {
  readonly name: string;
  /** As policy.md §4 writes it: `args.lines[*].amount`. */
  readonly path: string;
  /** 1 for an argument of the call itself. */
  readonly depth: number;
  readonly types: readonly string[];
  /** The strings among the values that it may have. */
  readonly values: readonly string[];
  /** There are more of them than are read. */
  readonly isCut: boolean;
  readonly description: string;
  readonly required: boolean;
}

export interface ArgumentsReading {
  readonly arguments: readonly Argument[];
  /** False where the bounds were met: something was not read. */
  readonly complete: boolean;
}

interface Walk {
  readonly root: Json;
  readonly found: Map<string, Argument>;
  /** Schemas that are being read: one of them again is a circle, which adds nothing. */
  readonly open: Set<Json>;
  steps: number;
  complete: boolean;
}

/** All arguments that the schema names, those within objects and lists too. */
export function readSchema(schema: Json | undefined): ArgumentsReading {
  const walk: Walk = { root: schema ?? null, found: new Map(), open: new Set(), steps: 0, complete: true };
  if (schema !== undefined) readMembers(walk, schema, 'args', 0);
  return { arguments: [...walk.found.values()], complete: walk.complete };
}

/** Reads the members of an object, the elements of a list, and each branch of a choice. */
function readMembers(walk: Walk, schema: Json, path: string, level: number): void {
  if (!isObject(schema) || walk.open.has(schema)) return;
  if (walk.steps++ >= MAX_STEPS || walk.open.size >= MAX_DEPTH) {
    walk.complete = false;
    return;
  }
  walk.open.add(schema);
  const properties = schema.get('properties');
  if (isObject(properties)) readProperties(walk, properties, listOf(schema.get('required')), path, level + 1);
  const items = schema.get('items');
  if (items !== undefined) readMembers(walk, items, `${path}[*]`, level + 1);
  for (const branch of branchesOf(walk, schema)) readMembers(walk, branch, path, level);
  walk.open.delete(schema);
}

function readProperties(walk: Walk, properties: JsonObject, required: readonly string[], path: string, level: number): void {
  for (const [name, value] of properties) {
    if (walk.found.size >= MAX_ARGUMENTS) {
      walk.complete = false;
      return;
    }
    readArgument(walk, name, value, { path, depth: level, required: required.includes(name) });
  }
}

function readArgument(walk: Walk, name: string, value: Json, at: { path: string; depth: number; required: boolean }): void {
  const path = /^[A-Za-z_][\w-]*$/.test(name) ? `${at.path}.${name}` : `${at.path}[${JSON.stringify(name)}]`;
  if (!walk.found.has(path)) walk.found.set(path, describe(walk, name, path, at, value));
  readMembers(walk, value, path, at.depth);
}

function describe(walk: Walk, name: string, path: string, at: { depth: number; required: boolean }, value: Json): Argument {
  const shapes = isObject(value) ? [value, ...branchesOf(walk, value)] : [];
  const objects = shapes.filter(isObject);
  const values = isOpen(value) ? [] : objects.flatMap((shape) => valuesOf(shape));
  const description = objects.map((shape) => shape.get('description')).find((text) => typeof text === 'string');
  return {
    name,
    path,
    depth: at.depth,
    required: at.required,
    types: objects.flatMap((shape) => typesOf(shape)),
    values: values.slice(0, MAX_VALUES),
    isCut: values.length > MAX_VALUES || objects.some(hasMoreValues),
    description: typeof description === 'string' ? description.slice(0, MAX_TEXT) : '',
  };
}

/** The types of a value, by its members where it names none. */
function typesOf(shape: JsonObject): readonly string[] {
  const type = shape.get('type');
  if (typeof type === 'string') return [type];
  if (type !== undefined) return listOf(type);
  return [...(shape.has('properties') ? ['object'] : []), ...(shape.has('items') ? ['array'] : [])];
}

/** True where one branch of a choice takes any text: the values of the others are examples. */
function isOpen(value: Json): boolean {
  if (!isObject(value) || valuesOf(value).length > 0) return false;
  return ['anyOf', 'oneOf'].some((key) => {
    const list = value.get(key);
    return list !== undefined && isArray(list) && list.some(isAnyText);
  });
}

function isAnyText(branch: Json): boolean {
  return isObject(branch) && typesOf(branch).includes('string') && !branch.has('enum') && !branch.has('const');
}

function hasMoreValues(shape: JsonObject): boolean {
  return [shape, shape.get('items')].some((each) => {
    const list = isObject(each) ? each.get('enum') : undefined;
    return list !== undefined && isArray(list) && list.length > MAX_VALUES;
  });
}

function valuesOf(shape: JsonObject): readonly string[] {
  const constant = shape.get('const');
  const items = shape.get('items');
  return [
    ...listOf(shape.get('enum')),
    ...(typeof constant === 'string' ? [constant] : []),
    ...(isObject(items) ? listOf(items.get('enum')) : []),
  ];
}

/** The branches of a choice, and what a local reference stands for. A reference abroad is doubt. */
function branchesOf(walk: Walk, schema: JsonObject): readonly Json[] {
  const branches: Json[] = [];
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const list = schema.get(key);
    if (list !== undefined && isArray(list)) branches.push(...list.slice(0, MAX_VALUES));
  }
  const reference = schema.get('$ref');
  if (typeof reference === 'string') {
    const target = follow(walk.root, reference);
    if (target === undefined) walk.complete = false;
    else branches.push(target);
  }
  return branches;
}

function follow(root: Json, reference: string): Json | undefined {
  if (!reference.startsWith('#/') || reference.length > MAX_TEXT) return reference === '#' ? root : undefined;
  let at: Json | undefined = root;
  for (const segment of reference.slice(2).split('/')) {
    if (!isObject(at)) return undefined;
    at = at.get(segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return at;
}

function listOf(value: Json | undefined): readonly string[] {
  return value !== undefined && isArray(value) ? value.filter((item) => typeof item === 'string').slice(0, MAX_VALUES) : [];
}
