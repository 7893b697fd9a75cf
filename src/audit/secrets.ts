/** Where a text holds credentials: by their shape, or by what stands before them. */
import { findKeyBlocks } from './key-blocks.ts';
import { allowed, type Budget, endOf, MOST_HIDDEN, readToken, type Span, TOKEN } from './spans.ts';
import { findVendorKeys, findWebTokens } from './tokens.ts';

const NAME =
  '(?:[A-Za-z0-9]{1,32}[_-]){0,4}(?:[A-Za-z0-9]{0,16}(?:password|passwd|passphrase|apikey|secretkey|accesskey|accountkey)|pass|pwd|secret|token|(?:api|access|secret|private|account|auth)[_-]?key|client[_-]?secret|[a-z]{1,12}token|credentials?)';
const SCHEME = '(?:Basic|Bearer|Token|Digest|Negotiate|ApiKey|AWS4-HMAC-SHA256)';

type Reader = (text: string, at: number) => readonly Span[];

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
/** Every text in which something is found contains one of these. */
const MAYBE_SECRET =
  /bearer|basic|token|digest|negotiate|pass|pwd|secret|key|cred|auth|cookie|:\/\/|eyJ|[sr]k[-_]|whsec_|gh[pousr]_|github_pat|glpat-|npm_|pypi-|xox|xapp-|AKIA|ASIA|AIza|ya29|SG\.|hf_|dop_v1|shp|sq0|lin_api|ntn_|hv[sb]\.|dapi|-u|--user|hooks\.slack|webhooks|sig|AWS4/i;
const SHORTEST = 8;

/** All that looks like a credential in it, in any order. */
export function findSecrets(text: string): readonly Span[] {
  if (text.length < SHORTEST || !MAYBE_SECRET.test(text)) return NONE;
  return [
    ...findKeyBlocks(text),
    ...findWebTokens(text),
    ...findVendorKeys(text),
    ...CONTEXTS.flatMap(([lead, read]) => behind(text, lead, read)),
  ];
}

const NONE: readonly Span[] = [];

/** Answers whether something of the text would be hidden. */
export function hasSecret(text: string): boolean {
  return allowed(findSecrets(text), { left: MOST_HIDDEN } satisfies Budget).length > 0;
}

const SCHEMED = new RegExp(`^${SCHEME} {1,4}`, 'i');
const DIGITS = /^\d{1,8}(?:[ -]\d{1,8}){1,5}$/;
const COOKIES = /^[\w.-]{1,64}=[\w.~+/=%-]*(?:; ?[\w.-]{1,64}=[\w.~+/=%-]*)*;?$/;

/** Finds what to hide of a value under a secret-like name: all that can be a token, and nothing of a sentence or a command. */
export function findSecretValue(text: string): readonly Span[] {
  if (DIGITS.test(text))
    return [...text.matchAll(/\d+/g)].map(({ 0: run, index }) => ({ start: index, end: index + run.length, sure: false }));
  const start = SCHEMED.exec(text)?.[0].length ?? 0;
  if (TOKEN.test(start === 0 ? text : text.slice(start))) return readToken(text, start).map(capped);
  return COOKIES.test(text) ? readCookies(text, 0).map(capped) : NONE;
}

function behind(text: string, lead: RegExp, read: Reader): readonly Span[] {
  const spans: Span[] = [];
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

function capped(span: Span): Span {
  return span.end - span.start <= MOST_HIDDEN ? span : { ...span, end: span.start + MOST_HIDDEN };
}

/** In JSON inside of a text: the string whole, or nothing of it. */
function readQuoted(text: string, at: number): readonly Span[] {
  const spans = readToken(text, at);
  return /["'\\]/.test(text[spans.at(-1)?.end ?? text.length] ?? '') ? spans : NONE;
}

const USER_INFO = /(?:[^\s/?#"'`;$]|\$(?!\()){1,512}@/y;
const RUNS = /[\w.~+=-]+/g;

/** The password of a URL, up to the last `@` before its host. */
function readPassword(text: string, at: number): readonly Span[] {
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

function readCookies(text: string, from: number): readonly Span[] {
  const spans: Span[] = [];
  for (let at: number | undefined = from; at !== undefined; ) {
    at = endOf(COOKIE_NAME, text, at) ?? at;
    const value = readToken(text, at);
    spans.push(...value);
    at = endOf(NEXT_COOKIE, text, value.at(-1)?.end ?? at);
  }
  return spans;
}
