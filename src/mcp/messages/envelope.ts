/** The members that make a JSON object a JSON-RPC message, each found once and under no other spelling (wire.md §2.3, §2.4). */
import { ENVELOPE_KEYS, isLookAlike, type Place } from '../json/keys.ts';
import type { Member } from '../json/scan.ts';
import type { Span } from '../json/token.ts';

/** The top-level members of `params`, by their decoded keys, with the spans of their values. `null` counts as absent. */
export interface Params {
  readonly kind: 'absent' | 'object';
  readonly members: ReadonlyMap<string, Member>;
  readonly span: Span | undefined;
}

/** Where each member of the envelope stands; `odd` is what keeps it from being read with certainty. */
export interface Envelope {
  jsonrpc?: Member;
  id?: Member;
  method?: Member;
  params?: Member;
  result?: Member;
  error?: Member;
  odd?: Oddity;
}

export interface Oddity {
  readonly kind: 'duplicate_key' | 'look_alike_key';
  readonly key: string;
}

const NONE: ReadonlyMap<string, Member> = new Map();
const ABSENT: Params = { kind: 'absent', members: NONE, span: undefined };

/** Sorts a message's members. Unknown ones pass. */
export function readEnvelope(members: readonly Member[]): Envelope {
  const envelope: Envelope = {};
  for (const member of members) {
    const { key } = member;
    if (isEnvelopeKey(key)) {
      if (envelope[key]) envelope.odd ??= { kind: 'duplicate_key', key };
      else envelope[key] = member;
    } else if (isLookAlike(key, ENVELOPE_KEYS)) envelope.odd ??= { kind: 'look_alike_key', key };
  }
  return envelope;
}

/** The first key that looks like one of the place's, or is one of them and occurs again. */
export function findOddKey(members: readonly Member[] | undefined, place: Place): Oddity | undefined {
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
export function findLookAlike(members: readonly Member[] | undefined, place: Place): string | undefined {
  if (members) for (const { key } of members) if (isLookAlike(key, place)) return key;
  return undefined;
}

/** `params` as found: its members where it is an object, else (null, or what MCP does not have) absent. */
export function readParams(found: Member | undefined): Params {
  if (!found) return ABSENT;
  const { members } = found;
  return members ? { kind: 'object', members: spansOf(members), span: found } : { kind: 'absent', members: NONE, span: found };
}

/** Spans by key; the later of two equal keys wins, as in JSON.parse. */
export function spansOf(members: readonly Member[] | undefined): ReadonlyMap<string, Member> {
  if (!members || members.length === 0) return NONE;
  const spans = new Map<string, Member>();
  for (const member of members) spans.set(member.key, member);
  return spans;
}

/** Whether something stands at `span`, and is null. */
export function isNull(text: string, span: Span | undefined): boolean {
  return span !== undefined && isWord(text, span, 'null');
}

/** Whether the JSON text at `span` is exactly this word (`null`, `true`). */
export function isWord(text: string, span: Span, word: string): boolean {
  return span.end - span.start === word.length && text.startsWith(word, span.start);
}

function isEnvelopeKey(key: string): key is 'jsonrpc' | 'id' | 'method' | 'params' | 'result' | 'error' {
  return key === 'jsonrpc' || key === 'id' || key === 'method' || key === 'params' || key === 'result' || key === 'error';
}
