/** Where a text holds credentials: by their shape, or by what stands before them; and which names have secrets for values. */
import { findKeyBlocks, findVendorKeys, findWebTokens } from './credentials.ts';
import { allowed, type Budget, endOf, type HiddenSpan, MOST_HIDDEN, readToken, TOKEN } from './spans.ts';

const NAME =
  '(?:[A-Za-z0-9]{1,32}[_-]){0,4}(?:[A-Za-z0-9]{0,16}(?:password|passwd|passphrase|apikey|secretkey|accesskey|accountkey)|pass|pwd|secret|token|(?:api|access|secret|private|account|auth)[_-]?key|client[_-]?secret|[a-z]{1,12}token|credentials?)';
const SCHEME = '(?:Basic|Bearer|Token|Digest|Negotiate|ApiKey|AWS4-HMAC-SHA256)';

type Reader = (text: string, at: number) => readonly HiddenSpan[];

/**
 * SECURITY: the text is the agent's, and may be long. Each pattern is linear: what it repeats without bound either ends
 * it or cannot start again inside its own run. What it matches stays; what is read behind it is hidden, and ends at
 * white space, quotes, `;`, `$(` and all else that no token is made of.
 */
const CONTEXTS: readonly (readonly [RegExp, Reader])[] = [
  [/(?<![A-Za-z0-9])Bearer\s{1,8}(?=[\w.~+/=-]{16})/gi, readToken],
  [new RegExp(`^${SCHEME} {1,4}(?=\\S+$)`, 'gi'), readToken],
  [/:\/\/[^\s/?#:@"'`;]{0,256}:/g, readPassword],
  [/(?:hooks\.slack\.com\/services\/|discord(?:app)?\.com\/api\/webhooks\/)/g, readToken],
  [/[?&, ](?:sig|signature|x-amz-signature|x-amz-security-token)=/gi, readToken],
  [new RegExp(`(?<![A-Za-z0-9])${NAME}\\s{0,2}=\\s{0,2}\\\\?["']?`, 'gi'), readToken],
  [new RegExp(`["']${NAME}\\\\?["']\\s{0,4}:\\s{0,4}\\\\?["']`, 'gi'), readQuoted],
  [
    new RegExp(
      `(?:^|["'])[ \\t]{0,8}(?:(?:proxy-)?authorization|x-api-key|${NAME})[ \\t]{0,4}:[ \\t]{1,4}(?:\\\\?["'])?(?:${SCHEME}[ \\t]{1,4})?`,
      'gim',
    ),
    readToken,
  ],
  [/(?:^|["'])[ \t]{0,8}(?:set-)?cookie[ \t]{0,4}:[ \t]{1,4}/gim, readCookies],
  [new RegExp(`--${NAME}[ \\t]{1,4}`, 'gi'), readToken],
  [/(?:^|\s)(?:-u|--user)[ \t]{1,4}[^\s:"'`;]{1,128}:/g, readToken],
];
/** Every text in which something is found contains one of these, in any case. */
const TEXT_WORDS = [
  ...[
    'bearer',
    'basic',
    'token',
    'digest',
    'negotiate',
    'pass',
    'pwd',
    'secret',
    'key',
    'cred',
    'auth',
    'cookie',
    '://',
    'eyJ',
    'sk-',
    'sk_',
  ],
  ...[
    'rk-',
    'rk_',
    'whsec_',
    'ghp_',
    'gho_',
    'ghu_',
    'ghs_',
    'ghr_',
    'github_pat',
    'glpat-',
    'npm_',
    'pypi-',
    'xox',
    'xapp-',
    'AKIA',
    'ASIA',
  ],
  ...[
    'AIza',
    'ya29',
    'SG.',
    'hf_',
    'dop_v1',
    'shp',
    'sq0',
    'lin_api',
    'ntn_',
    'hvs.',
    'hvb.',
    'dapi',
    '-u',
    'hooks.slack',
    'webhooks',
    'sig',
  ],
  'AWS4',
];
/** Every secret name contains one of these, ends with one, or has other characters than ASCII; most names do not. */
const NAME_WORDS = [
  ...['pass', 'pwd', 'secret', 'token', 'cred', 'auth', 'bearer', 'cookie', 'key', 'jwt', 'otp', 'pin', 'cvv', 'cvc', 'csc', 'card', 'ssn'],
  ...['social', 'code', 'seed', 'mnemonic', 'conn', 'assertion'],
];
const NAME_ENDS = ['pw', 'pan', 'sas'];
const anyOf = (words: readonly string[]) => words.map((word) => word.replace(/[.]/g, '\\$&')).join('|');
const MAYBE_SECRET = new RegExp(anyOf(TEXT_WORDS), 'i');
const MAYBE_NAME = new RegExp(`${anyOf(NAME_WORDS)}|(?:${anyOf(NAME_ENDS)})$|[^ -~]`, 'i');
/** All of that in names and values where they stand in JSON; escapes could hide any of it. */
const MAYBE_IN_JSON = new RegExp(`${anyOf([...NAME_WORDS, ...TEXT_WORDS])}|(?:${anyOf(NAME_ENDS)})"|[^ -[\\]-~]`, 'i');

/** Marks the first three characters of each word, or the two that it has behind any other, by `hashOf`. */
const BEGINNINGS = new Uint8Array(0x8000);
const hashOf = (before: number, character: number) => ((before << 5) ^ (character | 32)) & 0x7fff;
for (const word of [...TEXT_WORDS, ...NAME_WORDS, ...NAME_ENDS.map((end) => `${end}"`)])
  for (let before = 0; before < 32; before++) {
    const [a, b, c] = [...word].map((character) => character.charCodeAt(0));
    BEGINNINGS[c === undefined ? hashOf(hashOf(before, a ?? 0), b ?? 0) : hashOf(hashOf(hashOf(0, a ?? 0), b ?? 0), c)] = 1;
  }

/**
 * Answers false where a text, or a piece of JSON, certainly holds none of the words, and only ASCII without escapes: in
 * one pass and without a pattern, for that is what most texts are.
 */
function isSuspect(text: string): boolean {
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code > 126 || code === BACKSLASH) return true;
    last = ((last << 5) ^ (code | 32)) & 0x7fff;
    if (BEGINNINGS[last] === 1) return true;
  }
  // A name ends with what would be a quote.
  return BEGINNINGS[((last << 5) ^ (QUOTE | 32)) & 0x7fff] === 1;
}

const BACKSLASH = 92;
const QUOTE = 34;
const PLAIN_JSON = /^[ -[\]-~]*$/;
/** Names are cut that are longer; this finds one in JSON without escapes. */
export const MOST_NAME = 128;
const LONG_NAME = new RegExp(`"[^"]{${MOST_NAME + 1},}":`);

/**
 * Answers at a glance that short JSON text holds nothing to be masked or cut: ASCII without escapes, no name that is too
 * long, no secret that is known, and none of the words that every other one has about it. `full`: only those that are
 * known are masked.
 */
export function isPlainJson(json: string, known: readonly string[] | undefined, full: boolean): boolean {
  if (full ? !PLAIN_JSON.test(json) : isSuspect(json) && MAYBE_IN_JSON.test(json)) return false;
  if (json.length > MOST_NAME && LONG_NAME.test(json)) return false;
  if (known !== undefined) for (const secret of known) if (json.includes(secret)) return false;
  return true;
}

const SHORTEST = 8;

/** All that looks like a credential in it, in any order. */
export function findSecrets(text: string): readonly HiddenSpan[] {
  if (text.length < SHORTEST || !isSuspect(text) || !MAYBE_SECRET.test(text)) return NONE;
  return [
    ...findKeyBlocks(text),
    ...findWebTokens(text),
    ...findVendorKeys(text),
    ...CONTEXTS.flatMap(([lead, read]) => behind(text, lead, read)),
  ];
}

const NONE: readonly HiddenSpan[] = [];

/** Answers whether something of the text would be hidden. */
export function hasSecret(text: string): boolean {
  return allowed(findSecrets(text), { left: MOST_HIDDEN } satisfies Budget).length > 0;
}

const SCHEMED = new RegExp(`^${SCHEME} {1,4}`, 'i');
const DIGITS = /^\d{1,8}(?:[ -]\d{1,8}){1,5}$/;
const COOKIES = /^[\w.-]{1,64}=[\w.~+/=%-]*(?:; ?[\w.-]{1,64}=[\w.~+/=%-]*)*;?$/;

/** Finds what to hide of a value under a secret-like name: all that can be a token, and nothing of a sentence or a command. */
export function findSecretValue(text: string): readonly HiddenSpan[] {
  if (DIGITS.test(text))
    return [...text.matchAll(/\d+/g)].map(({ 0: run, index }) => ({ start: index, end: index + run.length, sure: false }));
  const start = SCHEMED.exec(text)?.[0].length ?? 0;
  if (TOKEN.test(start === 0 ? text : text.slice(start))) return readToken(text, start).map(capped);
  return COOKIES.test(text) ? readCookies(text, 0).map(capped) : NONE;
}

function behind(text: string, lead: RegExp, read: Reader): readonly HiddenSpan[] {
  const spans: HiddenSpan[] = [];
  for (let at = endOfNext(lead, text, 0); at !== undefined; ) {
    const found = read(text, at);
    for (const span of found) spans.push(capped(span));
    at = endOfNext(lead, text, found.at(-1)?.end ?? at);
  }
  return spans;
}

function endOfNext(lead: RegExp, text: string, from: number): number | undefined {
  lead.lastIndex = from;
  return lead.test(text) ? lead.lastIndex : undefined;
}

function capped(span: HiddenSpan): HiddenSpan {
  return span.end - span.start <= MOST_HIDDEN ? span : { ...span, end: span.start + MOST_HIDDEN };
}

/** In JSON inside of a text: the string whole, or nothing of it. */
function readQuoted(text: string, at: number): readonly HiddenSpan[] {
  const spans = readToken(text, at);
  return /["'\\]/.test(text[spans.at(-1)?.end ?? text.length] ?? '') ? spans : NONE;
}

const USER_INFO = /(?:[^\s/?#"'`;$]|\$(?!\()){1,512}@/y;
const RUNS = /[\w.~+=-]+/g;

/** The password of a URL, up to the last `@` before its host. */
function readPassword(text: string, at: number): readonly HiddenSpan[] {
  const end = endOf(USER_INFO, text, at);
  if (end === undefined) return NONE;
  return [...text.slice(at, end).matchAll(RUNS)].map(({ 0: run, index }) => ({
    start: at + index,
    end: at + index + run.length,
    sure: false,
  }));
}

const COOKIE_NAME = /[\w.-]{1,64}=/y;
const NEXT_COOKIE = /;[ \t]?(?=[\w.-]{1,64}=)/y;

function readCookies(text: string, from: number): readonly HiddenSpan[] {
  const spans: HiddenSpan[] = [];
  for (let at: number | undefined = from; at !== undefined; ) {
    at = endOf(COOKIE_NAME, text, at) ?? at;
    const value = readToken(text, at);
    spans.push(...value);
    at = endOf(NEXT_COOKIE, text, value.at(-1)?.end ?? at);
  }
  return spans;
}

/** In snake case. A secret word has to end the name: `token_type` and `secret_name` hold none. */
const SECRET_NAME = new RegExp(
  `(?:^|_)(?:${[
    '[a-z0-9]*(?:password|passwd|passphrase|apikey|secretkey|privatekey|accesskey|clientsecret|(?:access|auth|refresh|session|id|bearer|api)token)s?',
    'pass|passcode|pwd|pw|secrets?|client_?secret|token|jwt|bearer|otp|totp|pin|pin_?code',
    'auth|(?:proxy_?)?authorization|auth_(?:header|code|data)|authorization_code|authentication',
    '(?:set_?)?cookies?|credentials?|creds?|client_assertion|connection_?str(?:ing)?|conn_?str|sas',
    '(?:api|app|access|secret|private|encryption|decryption|signing|master|service|ssh|gpg|pgp|rsa|auth|account|storage|shared|session|webhook|hmac)_?keys?',
    '(?:otp|mfa|totp|2fa|verification|one_time|recovery|backup|security|access)_?codes?|code_?verifier',
    '(?:credit_?|debit_?)?card_?(?:number|num|no)|(?:credit|debit)_?card|pan|cvv2?|cvc2?|csc|ssn|social_security(?:_number)?',
    'seed_?(?:phrase|words)|mnemonic',
  ].join('|')})(?:_(?:value|text|string|plain|hash|base64|b64|pem|raw|new|old|current|confirm|confirmation|again|repeat|\\d+))*$`,
);
const PLURAL_TOKENS = /(?:^|_)tokens$/;
/** Tokens that are places in a list, symbols or counts. */
const HARMLESS_TOKEN =
  /(?:^|_)(?:page|next|continuation|start|stop|sync|eos|bos|pad|sep|unk|mask|max|min|num|total|per|prompt|completion|input|output)_tokens?$/;

/** Of longer names the end says what they are. */
const LONGEST_NAME = 256;

/** Answers whether values under this name are secrets. `counts`: the value is a number, as in `tokens: 100`. */
export function isSecretName(name: string, counts = false): boolean {
  const end = name.length > LONGEST_NAME ? name.slice(-LONGEST_NAME) : name;
  if (!isSuspect(end) || !MAYBE_NAME.test(end)) return false;
  const words = snakeCase(end);
  if (HARMLESS_TOKEN.test(words)) return false;
  return PLURAL_TOKENS.test(words) ? !counts : SECRET_NAME.test(words);
}

function snakeCase(name: string): string {
  const plain = /^[ -~]*$/.test(name) ? name : name.normalize('NFKC').replace(/\p{Cf}/gu, '');
  return plain
    .slice(-128)
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '_')
    .replace(/^_|_$/g, '');
}
