/** A server's tool list from outside the wire, as the proxy would remember it (wire.md §3). */
import type { ToolCatalog } from '../core/catalog.ts';
import { filterToolPage, type ListedTool } from '../mcp/messages/lists.ts';
import { readServerFrame } from '../mcp/messages/server.ts';
import { loadSchemaCompiler } from '../policy/schema/schema.ts';
import { sha256 } from '../policy/sha256.ts';
import { createToolMemory } from './tool-memory.ts';

/** The text is not a tool list; `message` says why. */
export class ToolListError extends Error {
  override readonly name = 'ToolListError';
}

/** Reads a `tools/list` result, a whole answer with one, or the list of tools alone. Throws `ToolListError`. */
export function parseToolList(text: string): readonly ListedTool[] {
  const frame = readServerFrame(new TextEncoder().encode(asAnswer(text)));
  if (frame.kind !== 'response' || frame.outcome !== 'result')
    throw new ToolListError('it is not the result of tools/list, nor a list of tools');
  const page = filterToolPage(frame, () => true);
  if (page.kind === 'unreadable') throw new ToolListError(page.why);
  return page.tools;
}

/** A catalogue of these tools, all of them, with their schemas ready to check arguments. */
export async function openCatalog(tools: readonly ListedTool[]): Promise<ToolCatalog> {
  const memory = createToolMemory(sha256);
  memory.useCompiler(await loadSchemaCompiler());
  memory.page(tools, undefined, undefined);
  return memory.catalog;
}

function asAnswer(text: string): string {
  const body = text.replace(/^\uFEFF/, '').trim();
  if (body.startsWith('[')) return `{"jsonrpc":"2.0","id":1,"result":{"tools":${body}}}`;
  return /^\{\s*("jsonrpc"|"id"|"result")\s*:/.test(body) ? body : `{"jsonrpc":"2.0","id":1,"result":${body}}`;
}
