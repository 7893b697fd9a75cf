/** Texts as records hold them (cli.md §2): credentials masked, and what is long cut. INVARIANT I12: neither hides a command. */
import { costOf, cutPlaces, MOST_COST } from './cost.ts';
import { findKnown, REDACTED } from './known-secrets.ts';
import { findSecrets, findSecretValue } from './secrets.ts';
import { allowed, type Budget, MOST_HIDDEN, type Span } from './spans.ts';

export interface MaskOptions {
  /** HMAC under this machine's key, hex: alike for equal texts, and of no use to who guesses. */
  readonly keyedHash: (text: string) => string;
  /** Secrets that the operator gave us: nothing of them is ever told. */
  readonly known?: readonly string[] | undefined;
  /** Nothing is masked but those. */
  readonly full?: boolean | undefined;
}

/** Counts what was left out of a record so far. */
export interface Tally {
  masked: number;
  cut: number;
}

export interface TextOptions {
  /** The most that it may take in a record, in bytes. */
  readonly room: number;
  /** It stands under a secret-like name. */
  readonly secret?: boolean | undefined;
  readonly budget?: Budget | undefined;
}

/** Characters beyond a cut that are looked at, so that no secret is cut in two: a key block has room in it. */
const MARGIN = 16_384;
const TRACE = 4;
const CUT_TRACE = 16;
const MOST_HASHED = 262_144;

/** The text as it may be recorded; the same string where nothing is to be hidden. Adds to `tally` what was. */
export function maskText(text: string, options: MaskOptions, { room, secret = false, budget }: TextOptions, tally: Tally): string {
  if (text.length * MOST_COST <= room) return replace(text, hiddenIn(text, options, secret, budget), options, tally);
  const left = budget ?? { left: MOST_HIDDEN };
  const find = (part: string) => hiddenIn(part, options, secret, left);
  return costOf(text, room) <= room ? replace(text, find(text), options, tally) : cut(text, room, find, options, tally);
}

function hiddenIn(text: string, { known, full }: MaskOptions, secret: boolean, budget: Budget | undefined): readonly Span[] {
  const guessed = full ? [] : findSecrets(text);
  const held = known === undefined || known.length === 0 ? [] : findKnown(text, known);
  const named = secret && !full ? findSecretValue(text) : [];
  return guessed.length + held.length + named.length === 0
    ? guessed
    : allowed([...held, ...guessed, ...named], budget ?? { left: MOST_HIDDEN });
}

function replace(text: string, spans: readonly Span[], { keyedHash }: MaskOptions, tally: Tally): string {
  if (spans.length === 0) return text;
  let result = '';
  let from = 0;
  for (const { start, end, known } of spans) {
    const hidden = text.slice(start, end);
    result += text.slice(from, start) + (known ? REDACTED : `[redacted ${hidden.length} chars #${keyedHash(hidden).slice(0, TRACE)}]`);
    from = end;
  }
  tally.masked += spans.length;
  return result + text.slice(from);
}

/** Of what is very long the beginning and the end are hashed, for other calls wait meanwhile; `args_hash` is of all. */
function traceOf(text: string, { keyedHash }: MaskOptions): string {
  const half = MOST_HASHED / 2;
  const hashed = text.length <= MOST_HASHED ? text : `${text.length}:${text.slice(0, half)}${text.slice(-half)}`;
  return keyedHash(hashed).slice(0, CUT_TRACE);
}

/** Its beginning and its end. A secret that lies across a cut goes as a whole. */
function cut(text: string, room: number, find: (part: string) => readonly Span[], options: MaskOptions, tally: Tally): string {
  const { head, tail } = cutPlaces(text, room);
  tally.cut++;
  const before = head === 0 ? '' : shown(text.slice(0, head + MARGIN), 0, head);
  const from = Math.max(0, tail - MARGIN);
  const after = tail === text.length ? '' : shown(text.slice(from), tail - from, text.length - from);
  return `${before}…[cut, ${text.length} chars in all #${traceOf(text, options)}]…${after}`;

  function shown(window: string, start: number, end: number): string {
    const touched = find(window).filter((span) => span.end > start && span.start < end);
    const first = Math.min(start, touched[0]?.start ?? start);
    const last = Math.max(end, touched.at(-1)?.end ?? end);
    const spans = touched.map((span) => ({ ...span, start: span.start - first, end: span.end - first }));
    return replace(window.slice(first, last), spans, options, tally);
  }
}
