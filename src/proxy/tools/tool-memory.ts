/** The server's own tool list as the session has seen it (wire.md §3), for `validate`, approvals and look-alikes. */
import type { ToolCatalog, ToolDefinition } from '../../core/catalog.ts';
import { isArray, isObject, type Json } from '../../core/json.ts';
import type { ListedTool } from '../../mcp/list.ts';
import type { SchemaCompiler } from '../deps.ts';

/** Pages of one list, at most (wire.md §2.13). */
export const MAX_PAGES = 100;

export interface ToolMemory {
  catalog(): ToolCatalog;
  /** Takes in a page that was asked for with `cursor`; a page without a next cursor completes the list. False: too many pages. */
  page(tools: readonly ListedTool[], cursor: string | undefined, next: string | undefined): boolean;
  /** The server says that its list changed. */
  stale(): void;
  /** From now on schemas can be compiled. */
  useCompiler(compile: SchemaCompiler): void;
  readonly canCheck: boolean;
}

interface Listing {
  readonly tools: Map<string, ToolDefinition>;
  readonly next: string | undefined;
  readonly pages: number;
}

/** Remembers nothing yet. `sha256` names definitions; `listed` is told of each list that was seen to its end. */
export function createToolMemory(sha256: (text: string) => string, listed: (catalog: ToolCatalog) => void = () => {}): ToolMemory {
  let catalog: ToolCatalog = { complete: false, tools: new Map() };
  let listing: Listing | undefined;
  let compiler: SchemaCompiler | undefined;
  const define = (tool: ListedTool) => definitionOf(tool, sha256, () => compiler);
  return {
    catalog: () => catalog,
    page(tools, cursor, next) {
      const goesOn = cursor !== undefined && listing?.next === cursor;
      const pages = goesOn && listing ? listing.pages + 1 : 1;
      if (pages > MAX_PAGES) return false;
      const known = goesOn && listing ? listing.tools : new Map<string, ToolDefinition>();
      for (const tool of tools) known.set(tool.name, define(tool));
      const whole = next === undefined && (cursor === undefined || goesOn);
      listing = whole ? undefined : { tools: known, next, pages };
      catalog = whole ? { complete: true, tools: known } : { ...catalog, tools: new Map([...catalog.tools, ...known]) };
      if (whole) listed(catalog);
      return true;
    },
    stale() {
      catalog = { complete: false, tools: new Map([...catalog.tools].map(([name, tool]) => [name, outdated(tool)])) };
      listing = undefined;
    },
    useCompiler: (compile) => {
      compiler = compile;
    },
    get canCheck() {
      return compiler !== undefined;
    },
  };
}

/** Of a tool that may have changed only the name is still known: what its schema or an approval says holds no more. */
function outdated({ name }: ToolDefinition): ToolDefinition {
  return { name, inputSchema: undefined, required: undefined, properties: undefined, hash: '', check: () => UNKNOWN };
}

const UNKNOWN = { ok: false, why: 'the schema is not known' } as const;

/** The schema is compiled when a call is first checked against it: most tools never are. */
function definitionOf(tool: ListedTool, sha256: (text: string) => string, compiler: () => SchemaCompiler | undefined): ToolDefinition {
  const schema = isObject(tool.inputSchema) ? tool.inputSchema : undefined;
  let check: ReturnType<SchemaCompiler> | undefined;
  return {
    name: tool.name,
    inputSchema: tool.inputSchema,
    required: schema && strings(schema.get('required') ?? []),
    properties: namesIn(schema?.get('properties')),
    hash: sha256(tool.definition),
    check(value) {
      const compile = compiler();
      if (!compile || !schema) return UNKNOWN;
      check ??= compile(schema);
      return check(value);
    },
  };
}

function strings(value: Json): readonly string[] | undefined {
  if (!isArray(value)) return undefined;
  const all = value.filter((element) => typeof element === 'string');
  return all.length === value.length ? all : undefined;
}

function namesIn(value: Json | undefined): readonly string[] | undefined {
  return isObject(value) ? [...value.keys()] : undefined;
}
