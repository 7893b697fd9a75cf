/** Keeps what the reading of one schema finds, and notes what is wrong. */
import type { Json, JsonObject } from '../../core/json.ts';
import type { RegexCompiler } from './regex.ts';
import type { Assertion, SchemaNode } from './schema-node.ts';

/** A fault of a schema, and its place. `strict`: only a policy's own schema has to avoid it. */
export interface SchemaFault {
  readonly path: readonly string[];
  readonly message: string;
  readonly help?: string | undefined;
  readonly strict?: boolean;
}

/** A place in the schema: a step below another place. */
export interface SchemaPlace {
  readonly up: SchemaPlace | undefined;
  readonly step: string;
  readonly depth: number;
}

/** The nearest schema with an `$id` on the way to the root, or the root. */
export interface Base {
  readonly schema: JsonObject;
  readonly id: string;
}

export interface Reference {
  readonly assertion: Extract<Assertion, { kind: '$ref' }>;
  readonly base: Base;
  readonly at: SchemaPlace | undefined;
}

export interface SchemaReading {
  readonly patterns: RegexCompiler;
  readonly faults: SchemaFault[];
  /** There is a fault that is not merely strict. */
  unusable: boolean;
  /** The node that each schema that is an object was read as. */
  readonly nodes: Map<JsonObject, SchemaNode>;
  /** The places of `true` and `false` as schemas: what holds them, and under which names. */
  readonly constants: Map<Json, Set<string>>;
  readonly bases: Map<string, JsonObject>;
  /** By `<id of the base>#<anchor>`. */
  readonly anchors: Map<string, JsonObject>;
  readonly references: Reference[];
}

/** Begins a reading. */
export function openReading(patterns: RegexCompiler): SchemaReading {
  const empty = { nodes: new Map(), constants: new Map(), bases: new Map(), anchors: new Map() };
  return { patterns, faults: [], unusable: false, references: [], ...empty };
}

/** One schema under reading: where it stands, and what its references start from. */
export interface Here {
  readonly schema: JsonObject;
  readonly at: SchemaPlace | undefined;
  readonly base: Base;
  readonly reading: SchemaReading;
}

/** The place below another. */
export function below(at: SchemaPlace | undefined, step: string): SchemaPlace {
  return { up: at, step, depth: (at?.depth ?? 0) + 1 };
}

/** More faults help nobody, and each costs a search for what was meant. */
const MAX_FAULTS = 100;
/** SECURITY: reading takes microseconds a schema, and 256 KiB hold a hundred thousand. */
const MAX_SCHEMAS = 10_000;

/** True while faults are still taken in: then their help is worth finding. */
export function takesFaults({ faults }: SchemaReading): boolean {
  return faults.length < MAX_FAULTS;
}

/** Notes a fault. The first one that is not merely strict is noted always: it makes the schema unusable. */
export function addFault(reading: SchemaReading, at: SchemaPlace | undefined, message: string, help?: string, strict = false): void {
  if (!takesFaults(reading) && (strict || reading.unusable)) return;
  reading.unusable ||= !strict;
  const path: string[] = [];
  for (let place = at; place; place = place.up) path.unshift(place.step);
  reading.faults.push({ path, message, help, strict });
}

/** Tells that it holds too many schemas: then none of them is read any more. */
export function isFull({ nodes }: SchemaReading): boolean {
  return nodes.size > MAX_SCHEMAS;
}

/** Keeps what a schema was read as. */
export function keepNode(reading: SchemaReading, schema: JsonObject, node: SchemaNode): SchemaNode {
  if (reading.nodes.size === MAX_SCHEMAS) addFault(reading, undefined, `it holds more than ${MAX_SCHEMAS} schemas`);
  reading.nodes.set(schema, node);
  return node;
}
