/** The library as the program carries it (setup.md §4): packed when the program is built, opened when someone asks for it. */
import type { Risk } from '../risk/risk.ts';
import type { Level } from './make.ts';
import type { LibraryRow } from './rows.ts';

/** A tool as it was when its policy was made. */
export interface LibraryTool {
  readonly name: string;
  readonly risk: Risk;
  readonly sensitive: boolean;
  /** `hashDefinition` of it. */
  readonly hash: string;
}

/** A server that has a policy. */
export interface LibraryEntry extends Omit<LibraryRow, 'env' | 'excluded'> {
  /** The names of the variables that it was started with. */
  readonly env: readonly string[];
  /** The day of the scan. */
  readonly scanned: string;
  /** Some of its rules were written by hand. */
  readonly isSharp: boolean;
  readonly tools: readonly LibraryTool[];
}

export interface PolicyLibrary {
  readonly entries: readonly LibraryEntry[];
  find(id: string): LibraryEntry | undefined;
  /** The text of a policy that is there. */
  policyOf(entry: LibraryEntry, level: Level): string;
}
