/** The ways in which a server may read a text as a path: as it is, as a URL, with escapes undone, up to a NUL, with `\` for `/`. */

/** Beyond this length the rare readings are left out: no path is so long, and each is as long as the text. */
const LONG = 65_536;
/** How often escapes may be escaped, and URLs stand in URLs. */
const ROUNDS = 3;

/** One reading. `bytes`: each character stands for a byte of UTF-8, because escapes were undone. */
export interface Reading {
  readonly path: string;
  readonly bytes: boolean;
}

/** Every reading, each once. */
export function fileReadings(text: string): readonly Reading[] {
  const readings: Reading[] = [];
  let plain = stripped(text);
  let bytes = false;
  for (let round = 0; round <= ROUNDS; round++) {
    const found = new Set<string>();
    addAll(plain, found);
    for (const path of found) readings.push({ path, bytes });
    const next = withoutEscapes(bytes ? plain : bytesOf(plain));
    if (!plain.includes('%') || next.length === plain.length) break;
    plain = stripped(next);
    bytes = true;
  }
  return readings;
}

function addAll(text: string, found: Set<string>): void {
  const isLong = text.length > LONG;
  addPath(text, found, isLong);
  let rest: string | undefined = text;
  for (let round = 0; round < ROUNDS && rest !== undefined; round++) {
    const inside: string | undefined = withoutScheme(rest);
    if (inside !== undefined) for (const path of urlPaths(inside)) addPath(path, found, isLong);
    rest = inside;
  }
}

function addPath(path: string, found: Set<string>, isLong: boolean): void {
  found.add(path);
  const slashed = path.includes('\\') ? path.replaceAll('\\', '/') : path;
  found.add(slashed);
  if (slashed.startsWith('//')) found.add(onThisHost(slashed));
  if (isLong || !CONTROL.test(path)) return;
  // SECURITY: a reader in C stops at NUL; others drop what they cannot show.
  for (const read of [path.slice(0, path.includes('\0') ? path.indexOf('\0') : path.length), path.replace(CONTROLS, '')]) {
    found.add(stripped(read));
    found.add(stripped(read).replaceAll('\\', '/'));
  }
}

/** Of `\\\\host\\c$\\x`, `\\\\?\\UNC\\host\\x` and `\\\\?\\c:\\x`, with `/` for `\\`: what it names where the host is this one. */
function onThisHost(path: string): string {
  return path.replace(/^\/\/(?:[?.]\/UNC\/)?[^/]*/i, '').replace(/^\/([a-z])\$/i, '/$1:');
}

const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}/gu;

/** SPEC: WHATWG URL — controls and blanks around a URL, and tabs and line ends in it, count for nothing. */
function stripped(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code <= 32 || code === 0x7f || code === 0xa0 || code === 0xfeff || code === 0x3000 || (code >= 0x2000 && code <= 0x200f);
}

/** What follows a scheme of two letters or more: one letter is a drive. Servers have schemes of their own for files, so all are taken for `file:`. */
function withoutScheme(text: string): string | undefined {
  const url = /[\t\n\r]/.test(text) ? text.replace(/[\t\n\r]/g, '') : text;
  const scheme = /^[a-z][a-z\d+.-]+:/i.exec(url)?.[0];
  return scheme === undefined ? undefined : url.slice(scheme.length);
}

/**
 * The path of a URL as URL parsers have it, without host, query and fragment, and as those who only cut the scheme off
 * have it. `\` is as good as `/`.
 */
function urlPaths(rest: string): readonly string[] {
  const path = rest.replaceAll('\\', '/');
  const wholes = new Set([path, ...[/[?#]/, /[?#;]/].map((end) => path.split(end, 1)[0] ?? '')]);
  return [...wholes].flatMap((whole) => [whole, `/${afterHost(whole)}`, whole.replace(/^\/\//, '')]);
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
  return hasEscape(text) ? unescape(text).replace(OVERLONG, shortened) : text;
}

/** SECURITY: an ASCII character in more bytes than it needs: `%c0%ae` is a dot for readers that only add up its bits. */
const OVERLONG = /[\xc0\xc1][\x80-\xbf]|(?:\xe0|\xf0\x80)[\x80\x81][\x80-\xbf]/g;

function shortened(bytes: string): string {
  return String.fromCharCode(((bytes.charCodeAt(bytes.length - 2) & 1) << 6) | (bytes.charCodeAt(bytes.length - 1) & 0x3f));
}

/** A loop, because a regular expression is ten times slower where `%` is frequent and begins no escape. */
function hasEscape(text: string): boolean {
  if (!text.includes('%')) return false;
  for (let at = text.indexOf('%'); at < text.length - 2; at++)
    if (text.charCodeAt(at) === 37 && isHex(text.charCodeAt(at + 2)) && isHex(text.charCodeAt(at + 1))) return true;
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
