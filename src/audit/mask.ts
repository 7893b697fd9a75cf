/**
 * Texts as records hold them (cli.md §2): credentials masked, and what is long cut. INVARIANT I12: neither hides a
 * command. INVARIANT I10: of secrets that the operator gave us (headers, tokens) nothing shows, wherever they turn up.
 */
import { costOf, cutPlaces, MOST_COST } from './escape.ts';
import { findSecrets, findSecretValue, isSecretName } from './secrets.ts';
import { allowed, type Budget, type HiddenSpan, MOST_HIDDEN } from './spans.ts';

export interface MaskOptions {
  /** HMAC under this machine's key, hex: alike for equal texts, and of no use to who guesses. */
  readonly keyedHash: (text: string) => string;
  /** Secrets that the operator gave us: nothing of them is ever shown. */
  readonly known?: readonly string[] | undefined;
  /** Nothing is masked but those. */
  readonly full?: boolean | undefined;
}

/** Counts what was left out of a record so far. */
export interface Tally {
  masked: number;
  cut: number;
}

/** It stands in the place of a secret of Intercept's own, of which nothing shows. */
export const REDACTED = '[redacted]';

/** Known secrets that are shorter would be found in innocent words. */
const SHORTEST = 6;
/** Characters beyond a cut that are looked at, so that no secret is cut in two: a key block fits. */
const MARGIN = 16_384;
const TRACE = 4;
const CUT_TRACE = 16;
const MOST_HASHED = 262_144;

/**
 * The text as it may be recorded, in so many `bytes`; the same string where nothing is to be hidden. Adds to `tally` what
 * was. `named`: it stands under a secret-like name. Of guesses it hides what the budget has left.
 */
export function maskText(text: string, options: MaskOptions, bytes: number, tally: Tally, named = false, budget?: Budget): string {
  const isShort = text.length * MOST_COST <= bytes;
  const left = budget ?? (isShort ? undefined : { left: MOST_HIDDEN });
  if (isShort || costOf(text, bytes) <= bytes) return replace(text, hiddenIn(text, options, named, left), options, tally);
  return cut(text, bytes, (part) => hiddenIn(part, options, named, left), options, tally);
}

function hiddenIn(text: string, { known, full }: MaskOptions, named: boolean, budget: Budget | undefined): readonly HiddenSpan[] {
  const guessed = full ? NONE : findSecrets(text);
  const held = known === undefined || known.length === 0 ? NONE : findKnown(text, known);
  const value = named && !full ? findSecretValue(text) : NONE;
  if (guessed.length + held.length + value.length === 0) return NONE;
  return allowed([...held, ...guessed, ...value], budget ?? { left: MOST_HIDDEN });
}

const NONE: readonly HiddenSpan[] = [];

function replace(text: string, spans: readonly HiddenSpan[], { keyedHash }: MaskOptions, tally: Tally): string {
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
function cut(text: string, bytes: number, find: (part: string) => readonly HiddenSpan[], options: MaskOptions, tally: Tally): string {
  const { head, tail } = cutPlaces(text, bytes);
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

/** Where known secrets stand in a text. */
function findKnown(text: string, secrets: readonly string[]): readonly HiddenSpan[] {
  const spans: HiddenSpan[] = [];
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1))
      spans.push({ start: at, end: at + secret.length, sure: true, known: true });
  }
  return spans;
}

/** Opens a mask of these texts, as they are and as JSON writes them. With none, a text is answered as it is. */
export function openMask(secrets: readonly string[]): (text: string) => string {
  return replacer(secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]));
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

/** Opens a mask of them in the strings of a piece of JSON, however they are escaped there; it stays JSON, also where a secret is a number. */
export function openJsonMask(secrets: readonly string[]): (json: string) => string {
  const mask = replacer(secrets);
  const maskString = (string: string) => {
    const text = string.includes('\\') ? (JSON.parse(string) as string) : string.slice(1, -1);
    const masked = mask(text);
    return masked === text ? string : JSON.stringify(masked);
  };
  return (json) => json.replace(STRING, maskString);
}

function replacer(secrets: readonly string[]): (text: string) => string {
  // The longest first: of one that contains another nothing must be left.
  const all = [...new Set(secrets)].filter(({ length }) => length >= SHORTEST).sort((a, b) => b.length - a.length);
  if (all.length === 0) return (text) => text;
  const pattern = new RegExp(all.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
  return (text) => text.replace(pattern, REDACTED);
}

/** Takes out what looks like a credential, and leaves no trace of it: of guesses `most` characters. */
export function hideSecrets(text: string, most = MOST_HIDDEN): string {
  let result = '';
  let from = 0;
  for (const { start, end } of allowed(findSecrets(text), { left: most })) {
    result += text.slice(from, start) + REDACTED;
    from = end;
  }
  return result + text.slice(from);
}

const PASSWORD = /(:\/\/[^\s/?#:@]*:)\S+@/;
const PARAMETER = /([?&;])([^\s=&;?]+)=([^&;#]+)/g;
/** `--token=x`, `TOKEN=x`, `Authorization: x`. */
const ASSIGNED = /^(-{0,2}([\w.-]{1,128})(?:=|:\s*))(?!\/\/)(.+)$/s;
const USER = /^(?:-u|--user)$/;

/**
 * A server's command as records and people may see it: its words, with passwords, tokens and keys taken out whole. Its
 * operator wrote it, who hides nothing from itself: all that may be secret goes.
 */
export function maskCommand(words: readonly string[]): string {
  return words.map((word, i) => maskWord(word, words[i - 1] ?? '')).join(' ');
}

function maskWord(word: string, before: string): string {
  if (before.startsWith('-') && !before.includes('=') && isSecretName(before)) return REDACTED;
  if (USER.test(before) && word.includes(':')) return `${word.slice(0, word.indexOf(':'))}:${REDACTED}`;
  const assigned = ASSIGNED.exec(word);
  if (assigned && isSecretName(assigned[2] ?? '')) return `${assigned[1]}${REDACTED}`;
  return hideSecrets(word, Infinity)
    .replace(PASSWORD, `$1${REDACTED}@`)
    .replace(PARAMETER, (all, mark: string, name: string) => (isSecretName(name) ? `${mark}${name}=${REDACTED}` : all));
}
