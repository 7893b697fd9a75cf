/** Private keys as PEM and PGP have them: BEGIN, lines of base64, END. */
import { endOf, isRandom, type Span } from './spans.ts';

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
const MOST_CHARACTERS = 12_288;
/** Lines of a key are as long as each other, and never as short as a word of a command. */
const SHORTEST_LINE = 16;

/** SECURITY: a block without its END, or with anything but base64 in it, hides nothing: it could hold a command. */
export function findKeyBlocks(text: string): readonly Span[] {
  const spans: Span[] = [];
  LEAD.lastIndex = 0;
  for (let lead = LEAD.exec(text); lead; lead = LEAD.exec(text)) {
    const body = readBody(text, LEAD.lastIndex, `-----END ${lead[1]}-----`);
    if (!body) continue;
    spans.push(body);
    LEAD.lastIndex = body.end;
  }
  return spans;
}

function readBody(text: string, from: number, end: string): Span | undefined {
  const start = skipHeaders(text, from);
  const lengths: number[] = [];
  let last = start;
  for (let at = start; lengths.length < MOST_LINES && at - start < MOST_CHARACTERS; ) {
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
function bodyOf(text: string, start: number, end: number, lengths: readonly number[]): Span | undefined {
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
