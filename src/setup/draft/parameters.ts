/** The parameters of a tool as people read them: `amount (integer, required)`, `state (string): open, closed`. */
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { sha256 } from '../../policy/sha256.ts';
import { commentOf, cutAt, quoted } from './text.ts';

export interface ToolParameter {
  readonly name: string;
  /** `string`, `array of integer`, `string|null`; `any` where the schema says nothing. */
  readonly type: string;
  readonly required: boolean;
  /** The values that it may have, where they are listed. */
  readonly values: readonly Json[];
}

const TYPES: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean', 'array', 'object', 'null']);
/** References, lists in lists and alternatives are followed so deep: a schema may contain itself. */
const DEPTH = 3;
const MOST_ALTERNATIVES = 8;
const MOST_VALUES = 1000;

/** Reads the parameters of an input schema, in its order. */
export function parametersOf(schema: Json | undefined): readonly ToolParameter[] {
  if (!isObject(schema)) return [];
  const found = new Map<string, ToolParameter>();
  const required = new Set<Json>();
  const parts = new Set(partsOf(schema, schema, 0));
  for (const part of parts) for (const name of listAt(part, 'required')) required.add(name);
  for (const part of parts) {
    const properties = part.get('properties');
    if (!isObject(properties)) continue;
    for (const [name, property] of properties) {
      if (!found.has(name)) found.set(name, { name, ...meaningOf(property, schema), required: required.has(name) });
    }
  }
  return [...found.values()];
}

/** The schema itself, what it refers to, and all that it is made of. */
function partsOf(schema: Json | undefined, root: JsonObject, depth: number): readonly JsonObject[] {
  if (!isObject(schema) || depth > DEPTH) return [];
  const more = [referred(schema, root), ...listAt(schema, 'allOf').slice(0, MOST_ALTERNATIVES)];
  return [schema, ...more.flatMap((part) => partsOf(part, root, depth + 1))];
}

function meaningOf(property: Json, root: JsonObject): Pick<ToolParameter, 'type' | 'values'> {
  return { type: typeOf(property, root, 0), values: valuesOf(property, root, 0) };
}

function typeOf(property: Json | undefined, root: JsonObject, depth: number): string {
  if (!isObject(property) || depth > DEPTH) return 'any';
  const own = typesOf(property.get('type'));
  if (own.length > 0) {
    if (own.length > 1 || own[0] !== 'array') return own.join('|');
    const of = typeOf(property.get('items'), root, depth + 1);
    return of === 'any' ? 'array' : `array of ${of}`;
  }
  const whole = referred(property, root);
  if (whole !== undefined) return typeOf(whole, root, depth + 1);
  const alternatives = alternativesOf(property);
  if (alternatives.length > 0) return [...new Set(alternatives.map((each) => typeOf(each, root, depth + 1)))].join('|');
  const values = [...new Set(ownValues(property).map(typeOfValue))];
  return values.length > 0 ? values.join('|') : property.has('properties') ? 'object' : 'any';
}

function typesOf(type: Json | undefined): readonly string[] {
  const all = type !== undefined && isArray(type) ? type : [type];
  return all.filter((each): each is string => typeof each === 'string' && TYPES.has(each));
}

function valuesOf(property: Json | undefined, root: JsonObject, depth: number): readonly Json[] {
  if (!isObject(property) || depth > DEPTH) return [];
  const own = ownValues(property);
  if (own.length > 0) return own;
  const inner = [referred(property, root), property.get('items'), ...alternativesOf(property)];
  return inner.flatMap((each) => valuesOf(each, root, depth + 1)).slice(0, MOST_VALUES);
}

function ownValues(property: JsonObject): readonly Json[] {
  const only = property.get('const');
  return only === undefined ? listAt(property, 'enum').slice(0, MOST_VALUES) : [only];
}

function alternativesOf(property: JsonObject): readonly Json[] {
  return ['anyOf', 'oneOf', 'allOf'].flatMap((key) => listAt(property, key)).slice(0, MOST_ALTERNATIVES);
}

/** The part of the schema that a `$ref` names, where it is one of its own. */
function referred(property: JsonObject, root: JsonObject): Json | undefined {
  const reference = property.get('$ref');
  if (typeof reference !== 'string' || !/^#(?:\/|$)/.test(reference)) return undefined;
  let at: Json | undefined = root;
  for (const key of reference.split('/').slice(1)) {
    at = isObject(at) ? at.get(key.replaceAll('~1', '/').replaceAll('~0', '~')) : undefined;
  }
  return at;
}

function listAt(object: JsonObject, key: string): readonly Json[] {
  const list = object.get(key);
  return list !== undefined && isArray(list) ? list : [];
}

function typeOfValue(value: Json): string {
  if (isNumber(value)) return 'number';
  return value === null ? 'null' : isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value;
}

const MOST_LINE = 200;
const MOST_LINES = 60;
const TRACE = 8;

/** One line for each parameter. What is cut leaves a trace, by which a later scan sees that it changed. */
export function parameterLines(parameters: readonly ToolParameter[]): readonly string[] {
  const lines = parameters.map(describeParameter);
  if (lines.length <= MOST_LINES) return lines.map(bounded);
  const rest = lines.slice(MOST_LINES - 1);
  return [...lines.slice(0, MOST_LINES - 1).map(bounded), `… and ${rest.length} more #${traceOf(rest.join('\n'))}`];
}

/** A parameter as people read it. */
export function describeParameter({ name, type, required, values }: ToolParameter): string {
  const listed = values.length === 0 ? '' : `: ${values.map(valueText).join(', ')}`;
  return `${quoted(name)} (${type}${required ? ', required' : ''})${listed}`;
}

function valueText(value: Json): string {
  if (typeof value === 'string') return quoted(value);
  if (isNumber(value)) return commentOf(value.number);
  return value === null || typeof value === 'boolean' ? String(value) : '…';
}

function bounded(line: string): string {
  return line.length <= MOST_LINE ? line : `${cutAt(line, MOST_LINE - TRACE - 2)} #${traceOf(line)}`;
}

function traceOf(text: string): string {
  return sha256(text).slice(0, TRACE);
}
