/** Ids of JSON-RPC requests (wire.md §2.7): `1` and `"1"` differ, `0` and `-0` do not. */
import { type Span, stringAt } from '../json/token.ts';

export interface RequestId {
  /** Equal for ids that any reader could take for one another: `n:1`, `s:1`. */
  readonly key: string;
  /** The id's JSON text as it arrived. */
  readonly text: string;
}

const NUMBER = /^-?\d/;
const WHOLE = /^-?\d+$/;
/** A number as text, as no more than a double holds exactly. */
const TEXT_NUMBER = /^(?:0|-?[1-9]\d{0,14})(?:\.0+)?$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The id at `span`: a string or a number. Numbers are one id where a double can not tell them apart, because a server
 * in JavaScript answers `9007199254740993` as `9007199254740992`.
 */
export function idAt(text: string, span: Span): RequestId | undefined {
  const raw = text.slice(span.start, span.end);
  if (raw.charCodeAt(0) === 34) return { key: `s:${stringAt(raw, { start: 0, end: raw.length })}`, text: raw };
  if (isShortCount(raw)) return { key: `n:${raw}`, text: raw };
  // -0 becomes 0 when it is written.
  return NUMBER.test(raw) ? { key: `n:${Number(raw)}`, text: raw } : undefined;
}

/** The same id for keeping. INVARIANT I11: as it was cut from its frame, it would keep all of the frame in memory. */
export function keptId({ key, text }: RequestId): RequestId {
  return { key, text: keptText(text) };
}

/** The text in memory of its own, and no longer a part of the one that it was cut from. */
export function keptText(text: string): string {
  return decoder.decode(encoder.encode(text));
}

/** What most clients number their requests with: few digits, the first not 0. */
function isShortCount(raw: string): boolean {
  if (raw.length > 15 || raw.charCodeAt(0) === 48) return false;
  for (let index = 0; index < raw.length; index++) {
    const code = raw.charCodeAt(index);
    if (code < 48 || code > 57) return false;
  }
  return raw.length > 0;
}

/** The same id as its other type, as servers write it that keep ids as texts, or numbers out of texts: `"1"` for 1, 1 and 1.0 for `"1"`. */
export function otherSpelling({ key }: RequestId): string | undefined {
  const value = key.slice(2);
  if (key.startsWith('n:')) return WHOLE.test(value) ? `s:${value}` : undefined;
  return TEXT_NUMBER.test(value) ? `n:${Number(value)}` : undefined;
}

/** Whether a client may use the id: a string, or a number written as a whole one (`1.0` and `1e0` are not). */
export function isStrictId(id: RequestId): boolean {
  return id.key.startsWith('s:') || WHOLE.test(id.text);
}

/** Whether the text is longer than `most` bytes of UTF-8. */
export function isLonger(text: string, most: number): boolean {
  return text.length > most || (text.length * 3 > most && encoder.encode(text).length > most);
}
