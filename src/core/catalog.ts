/** The server's own tool list as the proxy remembers it (wire.md §3). */
import type { Json } from './json.ts';
import type { SchemaCheck } from './policy.ts';

export interface ToolDefinition {
  readonly name: string;
  /** Names that the server's `inputSchema` requires; undefined where the schema cannot be read. */
  readonly required: readonly string[] | undefined;
  /** Names of the arguments that it declares; undefined where the schema does not say. */
  readonly properties: readonly string[] | undefined;
  readonly inputSchema: Json | undefined;
  /** Checks arguments against the whole `inputSchema`; compiled at first use. */
  readonly check: SchemaCheck;
  /** SHA-256 of the definition's text, hex: a changed tool needs a new approval (policy.md §12). */
  readonly hash: string;
}

/** `complete`: every page was seen, so a name that is not there does not exist. */
export interface ToolCatalog {
  readonly complete: boolean;
  readonly tools: ReadonlyMap<string, ToolDefinition>;
}
