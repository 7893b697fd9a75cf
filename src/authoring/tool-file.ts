/** A server's tool list in a file. */
import { readFileSync } from 'node:fs';
import { CommandError, EXIT } from '../core/fault.ts';
import { parseToolList } from '../engine/tool-list.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';

/** Reads a tools/list result. Throws `CommandError`. */
export function readToolList(path: string): readonly ListedTool[] {
  try {
    return parseToolList(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(`${path}: ${error instanceof Error ? error.message : String(error)}`, EXIT.failed, undefined, { cause: error });
  }
}
