/** JSON Schema 2020-12 over our own JSON values. */
import type { Json } from '../core/json.ts';
import type { SchemaCheck } from '../core/policy.ts';

/** What is wrong with a schema, and where in it. */
export interface SchemaFault {
  readonly path: readonly string[];
  readonly message: string;
  readonly help: string | undefined;
}

export interface SchemaKit {
  /** Everything that a policy's own schema must not have. */
  lint(schema: Json): readonly SchemaFault[];
  /** A check; one that always denies where the schema can not be compiled. */
  compile(schema: Json): SchemaCheck;
}

export async function loadSchemaKit(): Promise<SchemaKit> {
  return { lint: () => [], compile: () => () => ({ ok: false, why: 'not built yet' }) };
}

export async function loadSchemaCompiler(): Promise<(schema: Json) => SchemaCheck> {
  const kit = await loadSchemaKit();
  return (schema) => kit.compile(schema);
}
