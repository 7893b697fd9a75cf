/** wire.md §2.13, policy.md §8: what a server says costs time in proportion to its length, and keeps nobody waiting. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { finish, type Slices } from '../../src/core/slices.ts';
import { readClientFrame } from '../../src/mcp/messages/client.ts';
import type { ClientMessage } from '../../src/mcp/messages/frame.ts';
import { findCredentials } from '../../src/mcp/payments/credential.ts';
import { readDemand, withoutDemand } from '../../src/mcp/payments/http-payment.ts';
import { findChallenge } from '../../src/mcp/payments/payment.ts';

// Minutes of a busy machine; the costs themselves are of processor time.
setDefaultTimeout(120_000);

const MIB = 1_048_576;
const fill = (piece: string, length: number) => piece.repeat(Math.ceil(length / piece.length));
const nest = (inner: string, levels: number) => `${'{"a":'.repeat(levels)}${inner}${'}'.repeat(levels)}`;
const lists = (name: string, length: number) => fill(`,"${name}":[]`, length);
const inText = (text: string) => JSON.stringify({ content: [{ type: 'text', text }] });
const asked = '{"x402Version":1,"accepts":[]}';

/** Texts of about so many characters, the worst that a server is known to have. */
const WORST: readonly (readonly [string, (length: number) => string])[] = [
  ['the same list again and again', (n) => `{"x402Version":1${lists('accepts', n)}}`],
  ['the same list, and no version', (n) => `{"a":1${lists('accepts', n)}}`],
  ['lists that only look like it', (n) => `{"x402Version":1${lists('Accepts', n)}}`],
  ['challenges of another kind', (n) => `{"a":1${lists('challenges', n)}}`],
  ['one list of many', (n) => `{"challenges":[${fill('{"intent":1},', n)}1]}`],
  ['a list of many lists', (n) => `{"challenges":[${fill('[],', n)}1]}`],
  ['many objects that ask', (n) => `[${fill(`${asked},`, n)}1]`],
  ['depth', (n) => nest(`"${fill('x', n)}\\u0041"`, 240)],
  ['depth around what asks', (n) => nest(`{"x402Version":1,"accepts":[],"a":"${fill('x', n)}"}`, 240)],
  ['objects that ask in each other', (n) => `${fill('{"x402Version":1,"accepts":[],"a":', 240 * 34)}"${fill('x', n)}"${'}'.repeat(240)}`],
  ['many deep ones', (n) => `[${fill(`${nest('1', 240)},`, n)}"\\u0041"]`],
  ['escapes', (n) => `["${fill('\\u0061', n)}"]`],
  ['escapes in many strings', (n) => `[${fill('"x402version \\u0061",', n)}1]`],
  ['escapes in keys', (n) => `{${fill('"\\u0061ccepts":1,', n)}"x402Version":1}`],
  ['keys in other letters', (n) => `{${fill('"ａccepts":1,"ＡＢ":2,', n)}"x402Version":1}`],
  ['one long key', (n) => `{"${fill('\u200bx', n)}":1,"\\u0061":2}`],
  ['words that begin like it', (n) => `["${fill('challenge', n)}","${fill('c\\n\\n\\n', n)}"]`],
  ['a text', (n) => inText(`{"x402Version":1${lists('accepts', n)}}`)],
  ['a text that is no JSON', (n) => inText(`{"x402Version":1,"a":"${fill('x', n)}`)],
  ['a text in a text', (n) => inText(inText(`{"x402Version":1${lists('accepts', n)}}`))],
  ['a text in a text in a text', (n) => inText(inText(inText(fill('"\\u0061', n))))],
  ['many texts', (n) => `[${fill(`${JSON.stringify(nest('1', 20).replace('1', '"challenges"'))},`, n)}1]`],
  ['text of a book', (n) => inText(fill('the challenges of that day were many.\n', n))],
];

describe('what a server says is read in linear time', () => {
  const placed = (text: string) => ({ text, span: { start: 0, end: text.length } });
  const search = (text: string) => costOf(findChallenge(placed(text))).all;
  test.each(WORST)('%s: four times as much costs at most six times', (_, of) => {
    const [small, large] = [of(MIB / 4), of(MIB)];
    search(small);
    const [once, four] = [least(() => search(small)), least(() => search(large))];
    // What takes next to nothing says nothing of how it grows: what grew with the square took minutes.
    expect(four).toBeLessThanOrEqual(Math.max(6 * once, 400));
  });
  test.each(WORST)('%s: 10 MiB keep the loop for less than 50 ms at a time', (_, of) => {
    const text = of(10 * MIB - 8192).slice(0, 12 * MIB);
    const body = () => costOf(readDemand({ headers: {}, body: text })).longest;
    expect(Math.min(costOf(findChallenge(placed(text))).longest, body())).toBeLessThan(50);
  });
});

/** The longest slice, and all of them, in milliseconds of processor time. */
function costOf(work: Slices<unknown>): { readonly longest: number; readonly all: number } {
  let [longest, all] = [0, 0];
  for (;;) {
    const before = process.cpuUsage();
    const next = work.next();
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    longest = Math.max(longest, ms);
    all += ms;
    if (next.done) return { longest, all };
  }
}

/** Of two times the shorter: what else the machine does costs, too. */
function least(cost: () => number): number {
  return Math.min(cost(), cost());
}

function processorTime(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe('headers and requests are read in linear time', () => {
  const base64 = (text: string) => btoa(unescape(encodeURIComponent(text)));
  const header = (name: string, value: string) => () => {
    finish(readDemand({ headers: { [name]: value }, body: '' }));
    withoutDemand({ [name]: value });
  };
  const request = (meta: string) => {
    const bytes = new TextEncoder().encode(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":${meta}},"_meta":${meta}}`);
    const frame = readClientFrame(bytes, { maxDepth: 256, maxName: 1024 }) as Extract<ClientMessage, { kind: 'request' }>;
    return () => findCredentials(frame);
  };
  const numbered = (n: number, piece: (index: number) => string) => Array.from({ length: n }, (_, index) => piece(index)).join(',');
  test.each<readonly [string, (n: number) => () => unknown]>([
    ['challenges', (n) => header('www-authenticate', fill('Payment id="1", realm="r", intent="charge", request="e30",', n))],
    ['parameters', (n) => header('www-authenticate', `Payment ${fill('a=b,', n)}`)],
    ['schemes', (n) => header('www-authenticate', fill('Payment,', n))],
    ['quotes', (n) => header('www-authenticate', `Payment ${fill('a="\\', n)}`)],
    ['spaces', (n) => header('www-authenticate', `Payment a=b${fill(' ', n)}c`)],
    ['lists in base64', (n) => header('payment-required', base64(`{"x402Version":1${lists('accepts', n)}}`))],
    ['depth in base64', (n) => header('payment-required', base64(nest(`{"x402Version":1,"accepts":[],"a":"${fill('x', n)}"}`, 240)))],
    ['members of _meta', (n) => request(`{${numbered(n / 16, (index) => `"payment${index}":1`)}}`)],
    ['other letters in _meta', (n) => request(`{${numbered(n / 16, (index) => `"ｘ402${index}":1`)}}`)],
    ['a deep payment', (n) => request(`{"x402/payment":${nest(`"${fill('x', n)}"`, 240)}}`)],
    ['a wide payment', (n) => request(`{"x402/payment":{${numbered(n / 16, (index) => `"value${index}":1`)}}}`)],
  ])('%s', (_, of) => {
    const [small, large] = [of(MIB / 8), of(MIB / 2)];
    small();
    expect(least(() => processorTime(large))).toBeLessThanOrEqual(Math.max(6 * least(() => processorTime(small)), 400));
  });
});
