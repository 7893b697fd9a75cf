/** The words of this room: clients, their files, the servers in them, and what a rewrite of an entry is (clients.md). */
import type { Json } from '../../core/json.ts';
import type { ClientId, ShapeId } from './ids.ts';

export type Platform = 'linux' | 'darwin' | 'win32';

/** The machine that is looked at: tests give any platform, with files of their own. */
export interface World {
  readonly platform: Platform;
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly disk: Disk;
  /** Folders are joined in this way where it is not the platform's: files of Windows, seen from WSL. */
  readonly paths?: 'posix';
}

/** Reads, and nothing else. Nothing here throws: what cannot be had is undefined, or empty. */
export interface Disk {
  /** Follows links. */
  look(path: string): Found | undefined;
  realPath(path: string): string | undefined;
  /** Bytes of an ordinary file of at most `most` bytes; a reason where they cannot be had. Never waits for a FIFO. */
  read(path: string, most: number): Uint8Array | string;
  /** Names in a folder, sorted. */
  list(folder: string): readonly string[];
}

export interface Found {
  readonly kind: 'file' | 'folder' | 'other';
  readonly size: number;
}

/** user: for all the person's work; local: the user's, in one project; project: in the project itself, often in Git. */
export type ClientScope = 'user' | 'local' | 'project' | 'profile' | 'managed' | 'plugin';

/** A client that reads a server's entry. */
export interface Reader {
  readonly client: ClientId;
  /** As a person calls it: "Claude Code". */
  readonly name: string;
  readonly scope: ClientScope;
  /** The project's folder, for scopes local and project. */
  readonly project?: string;
  /** The client seems to be on this machine; a project's file may be for others. */
  readonly installed: boolean;
}

export type FileFormat = 'json' | 'toml' | 'yaml';

/** One real file, once, with all who read it. */
export interface ClientFile {
  /** As the client names it; a link maybe. */
  readonly path: string;
  readonly realPath: string;
  readonly format: FileFormat;
  readonly readers: readonly Reader[];
  /** The bytes that were read; undefined where they could not be. */
  readonly bytes: Uint8Array | undefined;
  /** Why nobody could read it, in one line: the file is left alone, whole. */
  readonly unreadable: string | undefined;
  /** The entries of it are not ours to edit, and why: managed, plugin, project file that leads out of its project … */
  readonly untouchable: string | undefined;
  readonly servers: readonly ClientServer[];
}

/** Where an entry stands in its file: keys from the top, and for a list the item's `name`. */
export type EntryPath = readonly (string | { readonly name: string })[];

export interface ClientServer {
  readonly name: string;
  readonly at: EntryPath;
  /** The way that this entry is written: a row of shapes.ts. */
  readonly shape: ShapeId;
  readonly readers: readonly Reader[];
  readonly entry: ServerEntry;
  readonly disabled: boolean;
  /** Why this entry cannot be rewritten, though it can be read: no bridge carries it, a gateway stands there … */
  readonly leave: string | undefined;
}

export type ServerEntry = LocalEntry | RemoteEntry | OtherEntry;

interface AnyEntry {
  /** The entry as it stands in the file. */
  readonly value: Json;
}

/** Strings as they stand, references and all. `resolveReferences` has what the client makes of them. */
export interface LocalEntry extends AnyEntry {
  readonly kind: 'local';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string | undefined;
}

export interface RemoteEntry extends AnyEntry {
  readonly kind: 'remote';
  readonly url: string;
  readonly transport: 'http' | 'sse' | 'ws';
  /** Headers with fixed text, or a reference in it. */
  readonly headers: ReadonlyMap<string, string>;
  /** Headers whose value is in a variable: name → variable. */
  readonly headerVariables: ReadonlyMap<string, string>;
  /** The variable that holds a bearer token. */
  readonly bearerVariable: string | undefined;
  /** The entry says that the client logs in. */
  readonly oauth: boolean;
}

/** Nothing to start and nothing to call: a toggle, an extension, an entry that the client would refuse. */
export interface OtherEntry extends AnyEntry {
  readonly kind: 'other';
  readonly why: string;
}

/** The command that stands before a server's. */
export interface Front {
  /** The program, and what stands before its own arguments: `npx` with `-y @policylayer/intercept@1.2.3`. */
  readonly program: string;
  readonly before: readonly string[];
  /** As it is written after `-c`. */
  readonly policy: string;
  readonly agent: string | undefined;
  /** Variables that join the entry's `env`: INTERCEPT_HOME, where it is set. */
  readonly env: Readonly<Record<string, string>>;
}

/** A piece of text in a file that gives way to another. Offsets count characters after a BOM. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** One rewritten entry, for a journal. It is plain JSON, and holds the secrets that the entry holds. */
export interface EntryRecord {
  readonly name: string;
  readonly at: EntryPath;
  readonly shape: ShapeId;
  readonly how: 'wrap' | 'bridge';
  /** The entry before and after, as JSON text. */
  readonly was: string;
  readonly is: string;
  /** The stretch of the file that holds the entry, before and after. */
  readonly before: Stretch;
  readonly after: Stretch;
  /** Takes the rewrite back in an entry that somebody changed since. */
  readonly undo: readonly Change[];
}

/** Text around an entry, and where the entry's own begins and ends in it. */
export interface Stretch {
  readonly text: string;
  readonly lead: number;
  readonly trail: number;
}

/** A change of an entry's value. `at` are keys from the entry on. */
export type Change =
  | { readonly kind: 'set'; readonly at: readonly string[]; readonly value: EntryValue }
  /** `only`: refused where the map that is renamed holds other keys. */
  | { readonly kind: 'rename'; readonly at: readonly string[]; readonly key: string; readonly only?: readonly string[] }
  | { readonly kind: 'add'; readonly at: readonly string[]; readonly key: string; readonly value: EntryValue; readonly after: string }
  | { readonly kind: 'remove'; readonly at: readonly string[]; readonly key: string }
  | { readonly kind: 'prepend'; readonly at: readonly string[]; readonly items: readonly EntryValue[] }
  | { readonly kind: 'drop'; readonly at: readonly string[]; readonly count: number };

/** A value to write. `copy`: the one that stands in the entry now, with its very text where that can be. */
export type EntryValue =
  | null
  | boolean
  | string
  | { readonly number: string }
  | { readonly list: readonly EntryValue[] }
  | { readonly entries: readonly (readonly [string, EntryValue])[] }
  | { readonly copy: readonly string[] };

/** A rewrite that was checked: outside of the splices every byte is as it was, and the result reads as planned. */
export interface Rewrite {
  readonly kind: 'rewrite';
  /** The whole file, as it is to be written. */
  readonly bytes: Uint8Array;
  readonly splices: readonly Splice[];
  readonly record: EntryRecord;
}

/** Nothing is to be done: it is so already, or the entry is gone. */
export interface Nothing {
  readonly kind: 'nothing';
  readonly why: string;
}

/** The file or the entry cannot be rewritten safely. Nothing is touched. */
export interface EditRefusal {
  readonly kind: 'refused';
  readonly why: string;
}

export interface Unwrap {
  readonly kind: 'unwrap';
  readonly bytes: Uint8Array;
  readonly splices: readonly Splice[];
  /** exact: the entry was as it was left. changed: somebody changed it since, and the change is kept: ask first. guessed: no record. */
  readonly certainty: 'exact' | 'changed' | 'guessed';
}
