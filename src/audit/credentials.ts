/** Credentials that are known by their own shape: JSON web tokens, the keys of well-known services, and private keys. */
import { endOf, type HiddenSpan, isRandom, MOST_HIDDEN } from './spans.ts';

const VENDOR = new RegExp(
  `(?<![A-Za-z0-9])(?:${[
    '(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{16,}|sk-[\\w-]{16,}',
    'gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\\w{20,}|glpat-[\\w-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[\\w-]{16,}',
    'xox[a-z]-[\\w-]{10,}|xapp-[\\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\\w-]{30,}|ya29\\.[\\w-]{20,}',
    'SG\\.[\\w-]{16,}\\.[\\w-]{16,}|hf_[A-Za-z0-9]{20,}|dop_v1_[a-f0-9]{40,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}|sq0[a-z]{3}-[\\w-]{20,}',
    'lin_api_\\w{20,}|ntn_\\w{30,}|hv[sb]\\.[\\w-]{20,}|dapi[a-f0-9]{32}|AGE-SECRET-KEY-1[A-Z0-9]{20,}',
  ].join('|')})`,
  'g',
);
/** Of these a part is fixed in length and alphabet, so that nothing can be written in it. */
const EXACT = /^(?:(?:AKIA|ASIA)[A-Z0-9]{16}|xox[a-z]-\d{9,}-(?:\d{9,}-)*[A-Za-z0-9]{1,64}|dapi[a-f0-9]{32}|dop_v1_[a-f0-9]{40,64})$/;

/** The keys of services; longer ones are hidden by their beginning. */
export function findVendorKeys(text: string): readonly HiddenSpan[] {
  return [...text.matchAll(VENDOR)].map(({ 0: key, index }) => ({
    start: index,
    end: index + Math.min(key.length, MOST_HIDDEN),
    sure: EXACT.test(key) || isRandom(key),
  }));
}

const JWT = /(?<![\w-])(eyJ[\w-]{8,})\.([\w-]{8,})((?:\.[\w-]+){0,3})/g;
/** Characters of a signature: beyond `MOST_HIDDEN`, RSA has these. */
const RSA_LENGTHS: readonly number[] = [342, 512, 683];
const MOST_CHARACTERS = 8_192;

/** JSON web tokens. SECURITY: what has no JSON where a token has it is hidden like any word, by `MOST_HIDDEN` characters. */
export function findWebTokens(text: string): readonly HiddenSpan[] {
  return [...text.matchAll(JWT)].map(({ 0: token, 1: header = '', 2: payload = '', 3: rest = '', index }) => {
    const length = sureLength(token, header, payload, rest);
    return { start: index, end: index + (length ?? Math.min(token.length, MOST_HIDDEN)), sure: length !== undefined };
  });
}

/** Measures how much of it is a token's without doubt. Encrypted ones have five parts, and no JSON in the second. */
function sureLength(token: string, header: string, payload: string, rest: string): number | undefined {
  if (token.length > MOST_CHARACTERS || !holdsJson(header)) return undefined;
  const [, signature = '', ...more] = rest.split('.');
  if (!holdsJson(payload)) return more.length === 2 && isRandom(token) ? token.length : undefined;
  const hidden = RSA_LENGTHS.includes(signature.length) ? signature.length : Math.min(signature.length, MOST_HIDDEN);
  return header.length + payload.length + hidden + (signature === '' ? 1 : 2);
}

function holdsJson(part: string): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

/* Private keys as PEM and PGP have them: BEGIN, lines of base64, END. */

const LEAD = /-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----/g;
/** A line's end, also as JSON or an environment variable spell it. */
const BREAK = /(?:\\r)?\\n|\r?\n|[ \t]/y;
const HEADER = /(?:[A-Z][A-Za-z-]{1,20}: [^\r\n\\]{0,200})?(?:(?:\\r)?\\n|\r?\n)/y;
const LINE = /[A-Za-z0-9+/=]+/y;
/** DER in base64, OpenSSH's own format, and the packets of PGP. */
const KEY_START = /^(?:M|b3BlbnNzaC|lQ|lI|lF|xV|xc|xY|xX)/;

const MOST_HEADERS = 6;
const MOST_LINES = 400;
const MOST_LOOKED_AT = 1_024;
const MOST_KEY_CHARACTERS = 12_288;
/** Lines of a key are as long as each other, and never as short as a word of a command. */
const SHORTEST_LINE = 16;

/** SECURITY: a block without its END, or with anything but base64 in it, hides nothing: it could hold a command. */
export function findKeyBlocks(text: string): readonly HiddenSpan[] {
  const spans: HiddenSpan[] = [];
  LEAD.lastIndex = 0;
  for (let lead = LEAD.exec(text); lead; lead = LEAD.exec(text)) {
    const body = readBody(text, LEAD.lastIndex, `-----END ${lead[1]}-----`);
    if (!body) continue;
    spans.push(body);
    LEAD.lastIndex = body.end;
  }
  return spans;
}

function readBody(text: string, from: number, end: string): HiddenSpan | undefined {
  const start = skipHeaders(text, from);
  const lengths: number[] = [];
  let last = start;
  for (let at = start; lengths.length < MOST_LINES && at - start < MOST_KEY_CHARACTERS; ) {
    if (text.startsWith(end, at)) return bodyOf(text, start, last, lengths);
    const line = endOf(LINE, text, at);
    if (line === undefined) return undefined;
    lengths.push(line - at);
    last = line;
    at = endOf(BREAK, text, line) ?? line;
  }
  return undefined;
}

function skipHeaders(text: string, from: number): number {
  let at = endOf(BREAK, text, from) ?? from;
  for (let count = 0; count < MOST_HEADERS; count++) {
    const next = endOf(HEADER, text, at);
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

/** SECURITY: more than one line is a key only where nobody could have written words in it. */
function bodyOf(text: string, start: number, end: number, lengths: readonly number[]): HiddenSpan | undefined {
  const body = text.slice(start, end);
  const sure = isRandom(body.slice(0, MOST_LOOKED_AT));
  return lengths.length === 1 || (sure && isEven(body, lengths)) ? { start, end, sure } : undefined;
}

/** The checksum of PGP, a line of its own, may be the last. */
function isEven(body: string, lengths: readonly number[]): boolean {
  const lines = body.includes('=') && lengths.at(-1) === 5 ? lengths.slice(0, -1) : lengths;
  const [first = 0] = lines;
  const even = lines.slice(0, -1).every((length) => length === first) && (lines.at(-1) ?? 0) <= first;
  return even && first >= (KEY_START.test(body) ? SHORTEST_LINE : SHORTEST_LINE * 3);
}
