/** One tool of the server as it is remembered: little, and nothing that keeps the page alive that it came in. */
import type { ToolDefinition } from '../core/catalog.ts';
import { isArray, isObject, type Json } from '../core/json.ts';
import type { Newest } from '../core/newest.ts';
import { readJson, renderJson } from '../mcp/json/values.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';
import type { SchemaCompiler } from './ports.ts';

export interface Defining {
  readonly sha256: (text: string) => string;
  readonly compiler: () => SchemaCompiler | undefined;
  /** Schemas that were read lately, by their texts. */
  readonly read: Newest<Json>;
}

/** A definition, and about how many characters it holds. */
export interface Defined {
  readonly tool: ToolDefinition;
  readonly size: number;
}

/** What a schema says of which nothing is known. */
export const UNKNOWN = { ok: false, why: 'the schema is not known' } as const;

/** The schema stays text; it is read, and compiled, when a call needs it: most tools never do. */
export function defineTool(listed: ListedTool, { sha256, compiler, read }: Defining): Defined {
  const schema = isObject(listed.inputSchema) ? listed.inputSchema : undefined;
  const text = listed.inputSchema === undefined ? undefined : copyText(renderJson(listed.inputSchema));
  const required = schema && requiredBy(schema.get('required') ?? [], schema.get('properties'))?.map(copyText);
  const properties = namesIn(schema?.get('properties'))?.map(copyText);
  const size = listed.name.length + (text?.length ?? 0) + sizeOf(required) + sizeOf(properties);
  const isObjectSchema = schema !== undefined;
  const readSchema = (from: string) => {
    const found = read.get(from) ?? readJson(from);
    read.set(from, found, from.length);
    return found;
  };
  const tool: ToolDefinition = {
    name: copyText(listed.name),
    required,
    properties,
    hash: sha256(listed.definition),
    get inputSchema() {
      return text === undefined ? undefined : readSchema(text);
    },
    check(value) {
      const compile = compiler();
      return compile && isObjectSchema && text !== undefined ? compile({ key: text, read: () => readJson(text) })(value) : UNKNOWN;
    },
  };
  return { tool, size };
}

/** A text of its own: a part of a text keeps the whole of it in memory. */
function copyText(text: string): string {
  return text.isWellFormed() ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)) : [...text].join('');
}

/** Older drafts let a property say of itself that it is required. */
function requiredBy(names: Json, properties: Json | undefined): readonly string[] | undefined {
  const own = isObject(properties) ? [...properties].filter(([, property]) => isObject(property) && property.get('required') === true) : [];
  if (!isArray(names)) return undefined;
  const listed = names.filter((element) => typeof element === 'string');
  return listed.length === names.length ? [...listed, ...own.map(([name]) => name)] : undefined;
}

function namesIn(value: Json | undefined): readonly string[] | undefined {
  return isObject(value) ? [...value.keys()] : undefined;
}

function sizeOf(names: readonly string[] = []): number {
  return names.reduce((size, name) => size + name.length, 0);
}
