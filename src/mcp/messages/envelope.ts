/** The members that make a JSON object a JSON-RPC message, each found once and under no other spelling (wire.md §2.3, §2.4), and what stands there. */
import type { Json } from '../../core/json.ts';
import type { Slices } from '../../core/slices.ts';
import { membersAt } from '../json/edit.ts';
import { ENVELOPE_KEYS, isLookAlike, type KeyPlace } from '../json/keys.ts';
import type { Member, Span } from '../json/scan-types.ts';
import { type Allowance, readJson, readJsonInSlices, stringAt } from '../json/values.ts';
import type { FrameValues, NotificationFrame, Params, RequestFrame, ResponseFrame } from './frame.ts';
import type { RequestId } from './id.ts';

/** Where each member of the envelope stands; `odd` is what keeps it from being read with certainty. */
export interface Envelope {
  jsonrpc?: Member;
  id?: Member;
  method?: Member;
  params?: Member;
  result?: Member;
  error?: Member;
  /** The first `_meta` beside them. */
  meta?: Member;
  odd?: Oddity;
}

export interface Oddity {
  readonly kind: 'duplicate_key' | 'look_alike_key';
  readonly key: string;
}

export const NONE: ReadonlyMap<string, Member> = new Map();
/** The params of a message that has none. */
export const ABSENT: Params = { members: NONE, span: undefined };

/** Sorts a message's members. Unknown ones pass. */
export function readEnvelope(members: readonly Member[]): Envelope {
  const envelope: Envelope = {};
  for (const member of members) {
    const { key } = member;
    switch (key) {
      case 'jsonrpc':
      case 'id':
      case 'method':
      case 'params':
      case 'result':
      case 'error':
        if (envelope[key]) envelope.odd ??= { kind: 'duplicate_key', key };
        else envelope[key] = member;
        break;
      case '_meta':
        envelope.meta ??= member;
        break;
      default:
        if (isLookAlike(key, ENVELOPE_KEYS)) envelope.odd ??= { kind: 'look_alike_key', key };
    }
  }
  return envelope;
}

/** The first key that looks like one of the place's, or is one of them and occurs again. */
export function findOddKey(members: readonly Member[] | undefined, place: KeyPlace): Oddity | undefined {
  if (!members) return undefined;
  let seen: Set<string> | undefined;
  for (const { key } of members) {
    if (!place.keys.has(key)) {
      if (isLookAlike(key, place)) return { kind: 'look_alike_key', key };
      continue;
    }
    if (seen?.has(key)) return { kind: 'duplicate_key', key };
    seen ??= new Set();
    seen.add(key);
  }
  return undefined;
}

/** The first key that a lenient reader could take for one of the place's. */
export function findLookAlike(members: readonly Member[] | undefined, place: KeyPlace): string | undefined {
  if (members) for (const { key } of members) if (!place.keys.has(key) && isLookAlike(key, place)) return key;
  return undefined;
}

/** `params` as found: its members where it is an object, else (null, or what MCP does not have) absent. */
export function readParams(found: Member | undefined): Params {
  return found ? { members: spansOf(found.members), span: found } : ABSENT;
}

/** Spans by key; the later of two equal keys wins, as in JSON.parse. */
export function spansOf(members: readonly Member[] | undefined): ReadonlyMap<string, Member> {
  if (!members || members.length === 0) return NONE;
  const spans = new Map<string, Member>();
  for (const member of members) spans.set(member.key, member);
  return spans;
}

/** True where something stands at `span`, and is null. */
export function isNull(text: string, span: Span | undefined): boolean {
  return span !== undefined && text.charCodeAt(span.start) === 110;
}

/** True where the JSON text at `span` is exactly this word (`null`, `true`). */
export function isWord(text: string, span: Span, word: string): boolean {
  return span.end - span.start === word.length && text.startsWith(word, span.start);
}

const NUMBER = /^-?\d/;

/**
 * The id at `span`: a string or a number. Numbers are one id where a double cannot distinguish them, because a server
 * in JavaScript answers `9007199254740993` as `9007199254740992`.
 */
export function idAt(text: string, span: Span): RequestId | undefined {
  const raw = text.slice(span.start, span.end);
  if (raw.charCodeAt(0) === 34) return { key: `s:${stringAt(raw, { start: 0, end: raw.length })}`, text: raw };
  // What most clients number their requests with: few digits, the first not 0.
  let digits = 0;
  for (let code = raw.charCodeAt(0); code >= 48 && code <= 57 && digits < 16 && raw.charCodeAt(0) !== 48; ) code = raw.charCodeAt(++digits);
  if (digits > 0 && digits < 16 && digits === raw.length) return { key: `n:${raw}`, text: raw };
  // -0 becomes 0 when it is written.
  return NUMBER.test(raw) ? { key: `n:${Number(raw)}`, text: raw } : undefined;
}

type Asking = RequestFrame | NotificationFrame;

/** The value of a member of `params`, or of `result`; undefined where there is none. */
export function readMember(frame: Asking | ResponseFrame, key: string): Json | undefined {
  const known = frame.values?.get(key);
  if (known !== undefined) return known;
  const span = (frame.kind === 'response' ? frame.members : frame.params.members).get(key);
  return span && readJson(frame.text, span.start);
}

/** One large frame may have so many values where they are read, arrays and objects counted four times. */
export const MAX_VALUES = 1_000_000;

/** Reads these members of a large frame; undefined where they have more values than may be. */
export function* valuesIn(
  text: string,
  members: ReadonlyMap<string, Span>,
  isAsked?: (key: string) => boolean,
): Slices<FrameValues | undefined> {
  const allowance: Allowance = { left: MAX_VALUES };
  const values = new Map<string, Json>();
  for (const [key, { start }] of members) {
    if (isAsked?.(key) === false) continue;
    const value = yield* readJsonInSlices(text, start, allowance);
    if (value === undefined) return undefined;
    values.set(key, value);
  }
  return values;
}

/** A member that was found in a text known to be valid. */
type Found = Span & { readonly members?: readonly Member[] | undefined };

/** The members of an object, none of anything else; those that a scan has kept are not looked for again. */
export function membersOf(text: string, object: Found | undefined): readonly Member[] {
  if (!object || text.charCodeAt(object.start) !== 123) return NO_MEMBERS;
  return object.members ?? membersAt(text, object.start);
}

const NO_MEMBERS: readonly Member[] = [];
