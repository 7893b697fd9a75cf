/** The ways in which a server may read a text as a path: as it is, as a URL, with escapes undone, up to a NUL, with `\` for `/`. */
import { finish, type Slices } from './slices.ts';

/** Escapes may be escaped, and URLs stand in URLs, this often. */
const ROUNDS = 3;
/** Characters of a long text that are dealt with between two pauses. */
const PIECE = 16 * 1024;

/** One reading. `bytes`: each character stands for a byte of UTF-8, because escapes were undone. */
export interface PathReading {
  readonly path: string;
  readonly bytes: boolean;
}

/** True where a test holds for any reading of a text. */
export function* someReading(text: string, holds: (reading: PathReading) => Slices<boolean>): Slices<boolean> {
  let plain = yield* stripped(text);
  let bytes = false;
  for (let round = 0; round <= ROUNDS; round++) {
    // No set: to hash a long text costs as much as to read it.
    const seen: string[] = [];
    for (const base of yield* basesOf(plain))
      for (const path of yield* spellings(base)) {
        if (seen.includes(path)) continue;
        seen.push(path);
        if (yield* holds({ path, bytes })) return true;
      }
    if (!(yield* hasEscape(plain))) return false;
    const encoded = bytes ? plain : yield* inPieces(plain, bytesOf, betweenCharacters);
    const unescaped = yield* inPieces(encoded, unescape, betweenEscapes);
    plain = yield* stripped(yield* inPieces(unescaped, withoutOverlong, betweenBytes));
    bytes = true;
  }
  return false;
}

/** The text, and what URLs make of it where it is one. */
function* basesOf(text: string): Slices<readonly string[]> {
  const bases = [text];
  let rest: string | undefined = yield* withoutScheme(text);
  for (let round = 0; round < ROUNDS && rest !== undefined; round++) {
    bases.push(...(yield* urlPaths(rest)));
    rest = yield* withoutScheme(rest);
  }
  return bases;
}

function* spellings(path: string): Slices<readonly string[]> {
  const all = [path];
  const withSlashes = path.includes('\\') ? yield* slashed(path) : path;
  all.push(withSlashes);
  if (withSlashes.startsWith('//')) all.push(onThisHost(withSlashes));
  if (!(yield* hasControl(path))) return all;
  // SECURITY: a reader in C stops at NUL; others drop what they cannot show.
  const end = path.indexOf('\0');
  for (const read of [end < 0 ? path : path.slice(0, end), yield* inPieces(path, withoutControls)]) {
    const plain = yield* stripped(read);
    all.push(plain, yield* slashed(plain));
  }
  return all;
}

/** Of `\\\\host\\c$\\x`, `\\\\?\\UNC\\host\\x` and `\\\\?\\c:\\x`, with `/` for `\\`: what it names where the host is this one. */
function onThisHost(path: string): string {
  return path.replace(/^\/\/(?:[?.]\/UNC\/)?[^/]*/i, '').replace(/^\/([a-z])\$/i, '/$1:');
}

const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}+/gu;

function* hasControl(text: string): Slices<boolean> {
  if (text.length <= PIECE) return CONTROL.test(text);
  for (let at = 0; at < text.length; at += PIECE) {
    if (CONTROL.test(text.slice(at, at + PIECE))) return true;
    yield;
  }
  return false;
}

function withoutControls(text: string): string {
  return text.replace(CONTROLS, '');
}

function slashed(text: string): Slices<string> {
  return inPieces(text, (piece) => piece.replaceAll('\\', '/'));
}

/** Changes a text piece by piece. `cut` moves the end of a piece to where nothing is torn apart. */
function* inPieces(text: string, change: (piece: string) => string, cut = (_text: string, end: number) => end): Slices<string> {
  if (text.length <= PIECE) return change(text);
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + PIECE >= text.length ? text.length : cut(text, at + PIECE);
    pieces.push(change(text.slice(at, end)));
    at = end;
    yield;
  }
  return pieces.join('');
}

function betweenCharacters(text: string, end: number): number {
  const before = text.charCodeAt(end - 1);
  return before >= 0xd800 && before < 0xdc00 ? end - 1 : end;
}

/** Characters of the longest escape, `%u0041`. */
const ESCAPE = 6;

function betweenEscapes(text: string, end: number): number {
  const start = text.lastIndexOf('%', end - 1);
  return start > end - ESCAPE ? start : end;
}

/** Bytes behind the first one of a character. */
const MOST_CONTINUED = 3;

function betweenBytes(bytes: string, end: number): number {
  for (let back = 1; back <= MOST_CONTINUED; back++) if (bytes.charCodeAt(end - back) >= 0xc0) return end - back;
  return end;
}

/** SPEC: WHATWG URL — controls and blanks around a URL, and tabs and line ends in it, count for nothing. */
function* stripped(text: string): Slices<string> {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) if (++start % PIECE === 0) yield;
  while (end > start && isBlank(text.charCodeAt(end - 1))) if (--end % PIECE === 0) yield;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code <= 32 || code === 0x7f || code === 0xa0 || code === 0xfeff || code === 0x3000 || (code >= 0x2000 && code <= 0x200f);
}

/** Takes off a scheme of two letters or more: one letter is a drive. Servers have schemes of their own for files, so all are taken for `file:`. */
function* withoutScheme(text: string): Slices<string | undefined> {
  const colon = text.indexOf(':');
  if (colon < 0 || !SCHEME.test(text.slice(0, colon))) return undefined;
  const url = yield* inPieces(text, withoutLines);
  const end = url.indexOf(':');
  return end < 2 ? undefined : url.slice(end + 1);
}

const SCHEME = /^[a-z][a-z\d+.\-\t\n\r]*$/i;

function withoutLines(text: string): string {
  return /[\t\n\r]/.test(text) ? text.replace(/[\t\n\r]+/g, '') : text;
}

/**
 * The path of a URL as URL parsers have it, without host, query and fragment, and as those who only cut the scheme off
 * have it. `\` is as good as `/`.
 */
function* urlPaths(rest: string): Slices<readonly string[]> {
  const path = yield* slashed(rest);
  const wholes = [path, upTo(path, /[?#]/), upTo(path, /[?#;]/)].filter((whole, index, all) => all.indexOf(whole) === index);
  return wholes.flatMap((whole) => [whole, `/${afterHost(whole)}`, whole.replace(/^\/\//, '')]);
}

function upTo(path: string, mark: RegExp): string {
  const end = path.search(mark);
  return end < 0 ? path : path.slice(0, end);
}

function afterHost(path: string): string {
  if (!path.startsWith('//')) return path;
  const slash = path.indexOf('/', 2);
  const inside = slash < 0 ? '' : path.slice(slash + 1);
  // `file:///C|/x` is a drive, too.
  return inside.replace(/^([a-z])\|/i, '$1:');
}

/** The text with its escapes undone, one by one: a `%` that begins none stays. What was escaped is a byte, as a character. */
export function withoutEscapes(text: string): string {
  return finish(hasEscape(text)) ? withoutOverlong(unescape(text)) : text;
}

/** SECURITY: an ASCII character in more bytes than it needs: `%c0%ae` is a dot for readers that only add up its bits. */
const OVERLONG = /[\xc0\xc1][\x80-\xbf]|(?:\xe0|\xf0\x80)[\x80\x81][\x80-\xbf]/g;

function withoutOverlong(bytes: string): string {
  return bytes.replace(OVERLONG, shortened);
}

function shortened(bytes: string): string {
  return String.fromCharCode(((bytes.charCodeAt(bytes.length - 2) & 1) << 6) | (bytes.charCodeAt(bytes.length - 1) & 0x3f));
}

/** A loop, because a regular expression is ten times slower where `%` is frequent and begins no escape. */
function* hasEscape(text: string): Slices<boolean> {
  let pausedAt = 0;
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at + 1)) {
    if (isHex(text.charCodeAt(at + 1)) && isHex(text.charCodeAt(at + 2))) return true;
    if (at - pausedAt <= PIECE) continue;
    pausedAt = at;
    yield;
  }
  return false;
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** UTF-8, each byte as a character. */
function bytesOf(text: string): string {
  return /\P{ASCII}/u.test(text) ? unescape(encodeURI(text.toWellFormed())) : text;
}

/** The text that these bytes are. By hand: the platform's own reader throws where a byte fits nowhere, and each throw costs a microsecond. */
export function asText(text: string, bytes: boolean): string {
  if (!bytes || !/[\x80-\xff]/.test(text)) return text;
  let read = '';
  for (let at = 0; at < text.length; ) {
    const lead = text.charCodeAt(at);
    const length =
      lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    const code = length === 0 ? undefined : codeAt(text, at, lead, length);
    read += code === undefined ? '\ufffd' : String.fromCodePoint(code);
    at += code === undefined ? 1 : length;
  }
  return read;
}

function codeAt(text: string, at: number, lead: number, length: number): number | undefined {
  if (length === 1) return lead;
  let code = lead & (0xff >> (length + 1));
  for (let place = 1; place < length; place++) {
    const byte = text.charCodeAt(at + place);
    if (Number.isNaN(byte) || (byte & 0xc0) !== 0x80 || byte > 0xff) return undefined;
    code = (code << 6) | (byte & 0x3f);
  }
  return code <= 0x10ffff ? code : undefined;
}
