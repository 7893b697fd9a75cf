/** The server's own tool list as the session has seen it (wire.md §3), for `validate`, approvals and look-alikes. */
import type { ToolCatalog, ToolDefinition } from '../core/catalog.ts';
import { isArray, isObject, type Json } from '../core/json.ts';
import { type Newest, openNewest } from '../core/newest.ts';
import { readJson, renderJson } from '../mcp/json/values.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';
import type { ToolSchemaCompiler } from './ports.ts';

/** Pages of one list, at most (wire.md §2.13). */
export const MAX_PAGES = 100;
/** INVARIANT I11: of one list so much is kept, and so many tools; one that is larger is not known at all. */
const MAX_CHARACTERS = 16 * 1024 ** 2;
const MAX_TOOLS = 10_000;
/** Why a list is not kept. */
export const TOO_LARGE = 'it has more than 10,000 tools or 16 MiB';
/** Schemas that were read lately. */
const READ = 256;
const READ_CHARACTERS = 4 * 1024 ** 2;

export interface ToolMemory {
  /** Everything that is known now. A field: each call reads it. */
  readonly catalog: ToolCatalog;
  /** Takes in a page that was asked for with `cursor`; a page without a next cursor completes the list. */
  page(tools: readonly ListedTool[], cursor: string | undefined, next: string | undefined): 'taken' | 'too many pages' | 'too large';
  /** The server says that its list changed. */
  stale(): void;
  /** Counts how often it did: what was asked for before, and is read in turns, is no longer the list. */
  readonly changes: number;
  /** From now on schemas can be compiled. */
  useCompiler(compile: ToolSchemaCompiler): void;
  readonly canCheck: boolean;
}

/** A list on its way to its end. */
interface Listing {
  readonly tools: Map<string, ToolDefinition>;
  readonly next: string | undefined;
  readonly pages: number;
  readonly size: number;
  /** It was seen from its first page on: only then its end is the end of a whole list. */
  readonly begun: boolean;
}

const NOTHING: ToolCatalog = { complete: false, tools: new Map() };

/** Remembers nothing yet. `sha256` names definitions; `listed` is called with each list that was seen to its end. */
export function createToolMemory(sha256: (text: string) => string, listed: (catalog: ToolCatalog) => void = () => {}): ToolMemory {
  // What is known besides the listing under way: a listing that was left off leaves nothing behind.
  let base = NOTHING;
  let listing: Listing | undefined;
  let compiler: ToolSchemaCompiler | undefined;
  const defining: Defining = { sha256, compiler: () => compiler, read: openNewest<Json>(READ, READ_CHARACTERS) };
  const memory: { -readonly [Member in keyof ToolMemory]: ToolMemory[Member] } = {
    catalog: NOTHING,
    changes: 0,
    canCheck: false,
    page(tools, cursor, next) {
      const before = cursor !== undefined && listing?.next === cursor ? listing : undefined;
      const pages = (before?.pages ?? 0) + 1;
      if (pages > MAX_PAGES) return 'too many pages';
      const known = before?.tools ?? new Map<string, ToolDefinition>();
      const size = addTools(tools, known, before?.size ?? 0, defining);
      if (size === undefined) {
        listing = undefined;
        base = NOTHING;
        memory.catalog = NOTHING;
        return 'too large';
      }
      const begun = before?.begun ?? cursor === undefined;
      const whole = next === undefined && begun;
      listing = whole ? undefined : { tools: known, next, pages, size, begun };
      if (whole) base = { complete: true, tools: known };
      memory.catalog = whole ? base : { ...base, tools: new Map([...base.tools, ...known]) };
      if (whole) listed(memory.catalog);
      return 'taken';
    },
    stale() {
      memory.changes++;
      base = { complete: false, tools: new Map([...memory.catalog.tools].map(([name, tool]) => [name, nameOnly(tool)])) };
      memory.catalog = base;
      listing = undefined;
    },
    useCompiler(compile) {
      compiler = compile;
      memory.canCheck = true;
    },
  };
  return memory;
}

/** Adds a page to a list. Of a name with two definitions nobody knows which one the server means. The size of the list, or undefined where it is larger than what is kept. */
function addTools(
  tools: readonly ListedTool[],
  known: Map<string, ToolDefinition>,
  before: number,
  defining: Defining,
): number | undefined {
  let size = before;
  for (const listed of tools) {
    const made = defineTool(listed, defining);
    size += made.size;
    if (size > MAX_CHARACTERS || (known.size >= MAX_TOOLS && !known.has(listed.name))) return undefined;
    const twin = known.get(made.tool.name);
    known.set(made.tool.name, twin && twin.hash !== made.tool.hash ? nameOnly(made.tool) : made.tool);
  }
  return size;
}

/** A tool of which only the name is known: no schema of it holds, and no approval. */
function nameOnly({ name }: ToolDefinition): ToolDefinition {
  return { name, inputSchema: undefined, required: undefined, properties: undefined, hash: '', check: () => UNKNOWN };
}

interface Defining {
  readonly sha256: (text: string) => string;
  readonly compiler: () => ToolSchemaCompiler | undefined;
  /** Schemas that were read lately, by their texts. */
  readonly read: Newest<Json>;
}

/** A definition, and about how many characters it holds. */
interface Defined {
  readonly tool: ToolDefinition;
  readonly size: number;
}

/** The answer of a schema of which nothing is known. */
const UNKNOWN = { ok: false, why: 'the schema is not known' } as const;

/** The schema stays text; it is read, and compiled, when a call needs it: most tools never do. */
function defineTool(listed: ListedTool, { sha256, compiler, read }: Defining): Defined {
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
