/** Reads the arguments of a tool from its input schema. A schema is hostile: it may be wide, deep, or a circle. */
import { isArray, isObject, type Json, type JsonObject } from '../../core/json.ts';

/** INVARIANT I11: so many arguments, values and levels are read; what is beyond is doubt. */
const MAX_ARGUMENTS = 400;
const MAX_VALUES = 200;
const MAX_DEPTH = 6;
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
  readonly found: Argument[];
  steps: number;
  complete: boolean;
}

/** All arguments that the schema names, those within objects and lists too. */
export function readSchema(schema: Json | undefined): ArgumentsReading {
  const walk: Walk = { root: schema ?? null, found: [], steps: 0, complete: true };
  if (schema !== undefined) readMembers(walk, schema, 'args', 0);
  return { arguments: walk.found, complete: walk.complete };
}

function mayStep(walk: Walk, depth: number): boolean {
  if (walk.steps++ < MAX_ARGUMENTS * 4 && depth <= MAX_DEPTH && walk.found.length < MAX_ARGUMENTS) return true;
  walk.complete = false;
  return false;
}

/** Reads the members of an object, the elements of a list, and each branch of a choice. */
function readMembers(walk: Walk, schema: Json, path: string, depth: number): void {
  if (!isObject(schema) || !mayStep(walk, depth)) return;
  const properties = schema.get('properties');
  const required = listOf(schema.get('required'));
  if (isObject(properties)) {
    for (const [name, value] of properties) {
      if (walk.found.length >= MAX_ARGUMENTS) {
        walk.complete = false;
        return;
      }
      readArgument(walk, name, value, { path, depth: depth + 1, required: required.includes(name) });
    }
  }
  const items = schema.get('items');
  if (items !== undefined) readMembers(walk, items, `${path}[*]`, depth + 1);
  for (const branch of branchesOf(walk, schema)) readMembers(walk, branch, path, depth + 1);
}

function readArgument(walk: Walk, name: string, value: Json, at: { path: string; depth: number; required: boolean }): void {
  const path = /^[A-Za-z_][\w-]*$/.test(name) ? `${at.path}.${name}` : `${at.path}[${JSON.stringify(name)}]`;
  const known = walk.found.find((other) => other.path === path);
  if (!known) walk.found.push(describe(walk, name, path, at, value));
  readMembers(walk, value, path, at.depth);
}

function describe(walk: Walk, name: string, path: string, at: { depth: number; required: boolean }, value: Json): Argument {
  const shapes = isObject(value) ? [value, ...branchesOf(walk, value)] : [];
  const objects = shapes.filter(isObject);
  const description = objects.map((shape) => shape.get('description')).find((text) => typeof text === 'string');
  return {
    name,
    path,
    depth: at.depth,
    required: at.required,
    types: objects.flatMap((shape) => typesOf(shape)),
    values: objects.flatMap((shape) => valuesOf(shape)).slice(0, MAX_VALUES),
    description: typeof description === 'string' ? description.slice(0, MAX_TEXT) : '',
  };
}

function typesOf(shape: JsonObject): readonly string[] {
  const type = shape.get('type');
  return typeof type === 'string' ? [type] : listOf(type);
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
