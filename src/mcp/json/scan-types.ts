/** A stretch of a JSON text. A scan gives all places as offsets in the text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object (the span is its value's), or an element of a top-level array (then `key` is ''). */
export interface Member extends Span {
  readonly key: string;
  readonly keyStart: number;
  /** Members of the value, where it is an object whose members were asked for. */
  readonly members: readonly Member[] | undefined;
}

/** The kind of a text as a whole. */
export type Top = 'object' | 'array' | 'other';

export type Fault = 'syntax' | 'control_character' | 'lone_surrogate' | 'duplicate_key' | 'too_deep' | 'too_many' | 'batch';

export interface ScanRules {
  readonly strict: boolean;
  readonly maxDepth: number;
  /** Tab, LF and CR are white space too; else the space alone. */
  readonly anySpace: boolean;
  /** An object whose members are kept may have this many; any number where it is absent. */
  readonly maxMembers?: number;
}

export interface Scan extends ScanRules {
  readonly maxMembers: number;
  readonly text: string;
  /** No character of the text is below U+0020: a string goes to the next quote or backslash. Not certain as long as there are `bytes`. */
  isClean: boolean;
  bytes: Uint8Array | undefined;
  /** The first backslash behind the place where it was looked for last; the text's length where none is left. */
  backslash: number;
  fault: Fault | undefined;
  faultAt: number;
  /** The key that occurs twice, or how many members one object may have. */
  faultDetail: string | number;
  /** So many members may still be kept, of all objects together. */
  budget: number;
  /** True where the string scanned last has an escape. */
  escaped: boolean;
  /** The keys of all objects that are open, the inner ones' last; of a strict scan. */
  readonly keys: string[];
  /** So many of them count. */
  keyCount: number;
}
