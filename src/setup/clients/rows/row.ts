/** A client as a row: its files, on each platform, and the way of its entries. */
import type { ClientId, ShapeId } from '../ids.ts';
import type { ClientScope, FileFormat, Platform } from '../types.ts';

export interface ClientRow {
  readonly id: ClientId;
  readonly name: string;
  readonly format: FileFormat;
  /** Keys from the top of the file to the servers. */
  readonly at: readonly string[];
  readonly shape: ShapeId;
  readonly files: readonly FileRow[];
  /** It is installed where one of these is, beside the folders of its files. */
  readonly installed: readonly Path[];
  /** The step that makes it take a change, as an order to a person. */
  readonly next: string;
  /** Files beside these that start servers and are never edited, with a sentence about each. */
  readonly beside?: readonly { readonly path: Path; readonly says: string }[];
  /** Something to know about a project's file after a change. */
  readonly nextInProject?: string;
}

export interface FileRow {
  readonly scope: ClientScope;
  readonly path: Path;
  readonly format?: FileFormat;
  /** `*` stands for any key; it is the project's folder where the scope is local. */
  readonly at?: readonly string[];
  readonly shape?: ShapeId;
  /** The client reads it only while its other files for the user are not there. */
  readonly isOlder?: true;
  /** Its entries are named and left. */
  readonly leave?: string;
}

/**
 * `~/` home · `CFG/` the platform's folder for settings · `XDG/` ~/.config on macOS too · `P/` the project, and each folder
 * above it up to the repository's root · `${V}`, `${V:-other}` a variable · `*` in a name anything, `**` any folders below,
 * to a bounded depth. A platform that is not named has no such file.
 */
export type Path = string | Partial<Record<Platform, string>>;

export const MANAGED = 'it belongs to the administrator of this machine';
export const PLUGIN = 'it belongs to a plugin, which writes it anew when it is updated';
