/** `arguments: {name: schema}`, from tree to checks. */
import type { Json } from '../../core/json.ts';
import { isObject } from '../../core/json.ts';
import type { ArgumentSchema } from '../../core/policy.ts';
import { type Entry, entriesOf, itemsOf, type Node, toJson, valueAt } from '../format/tree.ts';
import type { Report } from '../report.ts';
import type { SchemaCompiler } from '../schema/schema.ts';

/** Compiles each argument's schema; `optional` is ours, the rest JSON Schema. */
export function compileArguments(node: Node | undefined, schemas: SchemaCompiler | undefined, report: Report): readonly ArgumentSchema[] {
  if (!schemas) return [];
  return entriesOf(node).map((entry) => compileArgument(entry, schemas, report));
}

function compileArgument(entry: Entry, schemas: SchemaCompiler, report: Report): ArgumentSchema {
  const optional = valueAt(entry.value, 'optional');
  if (optional && optional.kind !== 'boolean') report.add('bad-schema', optional.offset, '"optional" must be true or false');
  const schema = withoutOptional(toJson(entry.value));
  const { faults, check } = schemas(schema);
  for (const { path, message, help } of faults) {
    report.add('bad-schema', nodeAt(entry.value, path).offset, `the schema of "${entry.key}": ${message}`, help);
  }
  return { name: entry.key, optional: optional?.kind === 'boolean' && optional.value, check };
}

function withoutOptional(schema: Json): Json {
  return isObject(schema) ? new Map([...schema].filter(([key]) => key !== 'optional')) : schema;
}

/** The node at a path into the schema, or the deepest one on the way. */
function nodeAt(node: Node, path: readonly string[]): Node {
  let at = node;
  for (const step of path) at = (at.kind === 'list' ? itemsOf(at)[Number(step)] : valueAt(at, step)) ?? at;
  return at;
}
