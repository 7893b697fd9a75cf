/** `arguments: {name: schema}`, from tree to checks. */
import type { Json } from '../core/json.ts';
import { isObject } from '../core/json.ts';
import type { ArgumentSchema } from '../core/policy.ts';
import type { Report } from './report.ts';
import type { SchemaKit } from './schema.ts';
import { type Entry, entriesOf, itemsOf, type Node, toJson, valueAt } from './tree.ts';

/** Compiles each argument's schema; `optional` is ours, the rest JSON Schema. */
export function compileArguments(node: Node | undefined, schemas: SchemaKit | undefined, report: Report): readonly ArgumentSchema[] {
  if (!schemas) return [];
  return entriesOf(node).map((entry) => compileArgument(entry, schemas, report));
}

function compileArgument(entry: Entry, schemas: SchemaKit, report: Report): ArgumentSchema {
  const optional = valueAt(entry.value, 'optional');
  if (optional && optional.kind !== 'boolean') report.add('bad-schema', optional.offset, '"optional" must be true or false');
  const schema = withoutOptional(toJson(entry.value));
  for (const { path, message, help } of schemas.lint(schema)) {
    report.add('bad-schema', nodeAt(entry.value, path).offset, `the schema of "${entry.key}": ${message}`, help);
  }
  return { name: entry.key, optional: optional?.kind === 'boolean' && optional.value, check: schemas.compile(schema) };
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
