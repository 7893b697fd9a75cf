/** A server's tool list in a file. */
import { readFileSync } from 'node:fs';
import { CommandError, EXIT, reasonOf } from '../core/fault.ts';
import { parseToolList } from '../engine/tool-list.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';

/** Reads a tools/list result. Throws `CommandError`. */
export function readToolList(path: string): readonly ListedTool[] {
  try {
    return parseToolList(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(`${path}: ${reasonOf(error)}`, EXIT.failed, '"intercept tools --json" writes such a file', { cause: error });
  }
}
