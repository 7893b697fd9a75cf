/** How the lines of an audit file are chained (cli.md §2). */
import { hash } from 'node:crypto';

/** `prev` of a file's first record. */
export const NO_LINE = '0'.repeat(64);

/** The hash that the next line's `prev` holds: of the line's UTF-8 bytes, without its line feed. */
export function hashLine(line: string | Uint8Array): string {
  return hash('sha256', line);
}
