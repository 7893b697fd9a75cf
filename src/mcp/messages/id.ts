/** Ids of JSON-RPC requests (wire.md §2.7): `1` and `"1"` differ, `0` and `-0` do not. */

/** An id as it arrived, and what it is known by. */
export interface RequestId {
  /** Equal for ids that any reader could take for one another: `n:1`, `s:1`. */
  readonly key: string;
  /** The id's JSON text as it arrived. */
  readonly text: string;
}

const WHOLE = /^-?\d+$/;
/** A number as text, as no more than a double holds exactly. */
const TEXT_NUMBER = /^(?:0|-?[1-9]\d{0,14})(?:\.0+)?$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The same id for keeping. INVARIANT I11: as it was cut from its frame, it would keep all of the frame in memory. */
export function keptId({ key, text }: RequestId): RequestId {
  return { key, text: keptText(text) };
}

/** The text in memory of its own, and no longer a part of the one that it was cut from. */
export function keptText(text: string): string {
  return decoder.decode(encoder.encode(text));
}

/** The same id as its other type, as servers write it that keep ids as texts, or numbers out of texts: `"1"` for 1, 1 and 1.0 for `"1"`. */
export function otherSpelling({ key }: RequestId): string | undefined {
  const value = key.slice(2);
  if (key.startsWith('n:')) return WHOLE.test(value) ? `s:${value}` : undefined;
  return TEXT_NUMBER.test(value) ? `n:${Number(value)}` : undefined;
}

/** True where the text is longer than `most` bytes of UTF-8. */
export function isLonger(text: string, most: number): boolean {
  return text.length > most || (text.length * 3 > most && encoder.encode(text).length > most);
}
