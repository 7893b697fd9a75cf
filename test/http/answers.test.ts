/** RFC 9112, as a client that trusts nobody reads it, on both runtimes: every answer in one piece, byte by byte, and cut anywhere. */
import { afterAll, describe, expect, test } from 'bun:test';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RUNTIMES } from '../process/relays.ts';

interface Outcome {
  readonly status: number | undefined;
  readonly body: string;
  readonly fault: string | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const CHILD = join(import.meta.dirname, 'children/answers.ts');
const PATIENCE = 120_000;

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const LONG = 'x'.repeat(70_000);

const ANSWERS: readonly (readonly [name: string, bytes: string, expected: Partial<Outcome>])[] = [
  ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, { status: 200, body: 'hello' }],
  ['a length of nothing', `${OK}Content-Length: 0\r\n\r\n`, { status: 200, body: '' }],
  ['chunks', `${CHUNKED}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`, { body: 'hello!' }],
  [
    'chunks with sizes in any case, and leading zeros',
    `${CHUNKED}00A\r\n0123456789\r\nb\r\n0123456789a\r\n000\r\n\r\n`,
    { body: '01234567890123456789a' },
  ],
  ['chunks with extensions', `${CHUNKED}2;a=b;c="d"\r\nhi\r\n0;last\r\n\r\n`, { body: 'hi' }],
  [
    'trailers, which are no headers',
    `${CHUNKED}2\r\nhi\r\n0\r\nMcp-Session-Id: s\r\nX: y\r\n\r\n`,
    { body: 'hi', headers: { 'transfer-encoding': 'chunked' } },
  ],
  ['a chunked body with CRLF in it', `${CHUNKED}6\r\n\r\n0\r\n\r\r\n0\r\n\r\n`, { body: '\r\n0\r\n\r' }],
  ['neither: the end of the connection', `${OK}X: y\r\n\r\nhello`, { body: 'hello' }],
  ['HTTP/1.0, which closes', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi', { body: 'hi' }],
  ['HTTP/1.0, which does not', 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi', { body: 'hi' }],
  ['Connection: close', `${OK}Connection: foo, Close\r\nContent-Length: 2\r\n\r\nhi`, { body: 'hi' }],
  ['Keep-Alive with a time-out', `${OK}Keep-Alive: timeout=5, max=10\r\nContent-Length: 2\r\n\r\nhi`, {}],
  ['Keep-Alive with a long time-out', `${OK}Keep-Alive: timeout=3600\r\nContent-Length: 2\r\n\r\nhi`, {}],
  ['Keep-Alive with hardly any', `${OK}Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nhi`, {}],
  ['204 has no body', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello', { status: 204, body: '' }],
  ['304 has no body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', { status: 304, body: '' }],
  ['204 that says so, too', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', { status: 204 }],
  ['204 that announces chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', { status: 204 }],
  [
    'heads that announce another',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    { status: 200, body: 'hi', headers: { 'content-length': '2' } },
  ],
  ['an empty line before the status', `\r\n${OK}Content-Length: 2\r\n\r\nhi`, { status: 200, body: 'hi' }],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi', { status: 200, body: 'hi' }],
  ['a status of its own', 'HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nhi', { status: 799, body: 'hi' }],
  [
    'headers again, with spaces and Latin-1',
    `${OK}A: 1\r\na:\t2 \r\nB:\r\nC: \xe9 \r\nContent-Length: 0\r\n\r\n`,
    { headers: { a: '1, 2', b: '', c: '\xe9', 'content-length': '0' } },
  ],
  [
    'names that objects have',
    `${OK}__proto__: x\r\nconstructor: y\r\nContent-Length: 0\r\n\r\n`,
    { headers: JSON.parse('{"__proto__":"x","constructor":"y","content-length":"0"}') },
  ],
  ['a second answer behind the first', `${OK}Content-Length: 2\r\n\r\nhi${OK}Content-Length: 5\r\n\r\nstray`, { body: 'hi' }],
  ['a second answer behind chunks', `${CHUNKED}2\r\nhi\r\n0\r\n\r\n${OK}`, { body: 'hi' }],
  ['as many headers as may be', `${OK}${'A: b\r\n'.repeat(255)}Content-Length: 0\r\n\r\n`, { status: 200 }],
];

const FAULTS: readonly (readonly [name: string, bytes: string, fault: RegExp, body?: string])[] = [
  ['nothing', '', /broke the connection before it answered/],
  ['half a head', `${OK}Content-Le`, /in the middle/],
  ['half a body', `${OK}Content-Length: 50\r\n\r\nhello`, /in the middle/, 'hello'],
  ['half a chunk', `${CHUNKED}5\r\nhel`, /in the middle/, 'hel'],
  ['chunks without the last', `${CHUNKED}5\r\nhello\r\n`, /in the middle/, 'hello'],
  ['chunks without the end of trailers', `${CHUNKED}2\r\nhi\r\n0\r\nX: y\r\n`, /in the middle/, 'hi'],
  ['the same length twice', `${OK}Content-Length: 5\r\ncontent-length:5 \r\n\r\nhello`, /two values of the header "content-length"/],
  ['lengths that differ', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, /two values of the header "content-length"/],
  ['lengths that differ in one header', `${OK}Content-Length: 5, 6\r\n\r\nhello!`, /a length that is none/],
  ['a length in one header twice', `${OK}Content-Length: 5, 5\r\n\r\nhello`, /a length that is none/],
  ['a length and chunks', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /both a length and a transfer coding/],
  ['a length and chunks of 204', `HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, /both a length/],
  ...['-1', '+5', '0x5', '5 5', '', '5;', '1e1', '9999999999999999'].map(
    (length) => [`the length ${JSON.stringify(length)}`, `${OK}Content-Length: ${length}\r\n\r\nhello`, /a length that is none/] as const,
  ),
  ...['gzip, chunked', 'identity', 'chunked, chunked', 'xchunked', ''].map(
    (coding) =>
      [
        `the transfer coding ${JSON.stringify(coding)}`,
        `${OK}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
        /a transfer coding that was not asked for/,
      ] as const,
  ),
  ['chunks of HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /a transfer coding/],
  ...['-2', '0x2', '2 ', ' 2', '', 'g', 'f'.repeat(17)].map(
    (size) => [`the chunk size ${JSON.stringify(size)}`, `${CHUNKED}${size}\r\nhi\r\n0\r\n\r\n`, /without a size/] as const,
  ),
  ['a chunk that is longer than it says', `${CHUNKED}2\r\nhiho\r\n0\r\n\r\n`, /a chunk that does not end where it says/, 'hi'],
  ['a chunk without its line end', `${CHUNKED}2\r\nhi0\r\n\r\n`, /a chunk that does not end/, 'hi'],
  ['a lone LF behind a chunk size', `${CHUNKED}2\nhi\r\n0\r\n\r\n`, /a line that LF alone ends/],
  ['an extension with a lone LF', `${CHUNKED}2;a\n0\r\nhi\r\n0\r\n\r\n`, /a line that LF alone ends/],
  ['an extension without an end', `${CHUNKED}2;${LONG}`, /a chunk whose extensions are too long/],
  ['a trailer that cannot be read', `${CHUNKED}0\r\nX y\r\n\r\n`, /a header that cannot be read/],
  ['trailers without an end', `${CHUNKED}0\r\n${`X: ${'y'.repeat(1_000)}\r\n`.repeat(70)}\r\n`, /more than 65536 bytes/],
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', /something else than HTTP\/1.1, "S/],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n', /something else/],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n', /something else/],
  ['a status line without a status', 'HTTP/1.1 OK\r\n\r\n', /something else/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', /something else/],
  ['a status that HTTP does not have', 'HTTP/1.1 099 Odd\r\n\r\n', /the status 099, which HTTP does not have/],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', /another protocol, unasked/],
  ['a folded header', `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`, /a header that cannot be read/],
  ['a space before the colon', `${OK}Content-Length : 5\r\n\r\nhello`, /a header that cannot be read/],
  ['no colon', `${OK}Content-Length\r\n\r\n`, /a header that cannot be read/],
  ['no name', `${OK}: x\r\n\r\n`, /a header that cannot be read/],
  ['a name with another byte', `${OK}A\xe9: x\r\n\r\n`, /a header that cannot be read/],
  ...['\r', '\0', '\x7f', '\x1b'].map(
    (byte) =>
      [`a value with ${JSON.stringify(byte)}`, `${OK}A: b${byte}c\r\nContent-Length: 0\r\n\r\n`, /a header that cannot be read/] as const,
  ),
  ['lines that end with LF alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi', /a line that LF alone ends/],
  ['a line that ends with LF alone', `${OK}A: b\nContent-Length: 2\r\n\r\nhi`, /a line that LF alone ends/],
  [
    'two session ids',
    `${OK}Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\nContent-Length: 0\r\n\r\n`,
    /two values of the header "mcp-session-id"/,
  ],
  ['two types', `${OK}Content-Type: application/json\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n`, /two values/],
  ['more headers than may be', `${OK}${'A: b\r\n'.repeat(257)}\r\n`, /more than 256 headers/],
  ['a head that is too long', `${OK}A: ${LONG}\r\n\r\n`, /more than 65536 bytes/],
  ['a head without an end', `${OK}A: ${LONG}`, /more than 65536 bytes/],
  ['heads that announce another, without end', `HTTP/1.1 100 Continue\r\n\r\n`.repeat(17), /more than 16 heads/],
];

function byteByByte(text: string): string[] {
  return text.length < 400 ? text.split('') : [text.slice(0, 40), text.slice(40)];
}

/** Cuts at places that look random, and are the same each time. */
function cutAnywhere(text: string, seed: number): string[] {
  const pieces: string[] = [];
  let [at, state] = [0, seed];
  while (at < text.length) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const next = at + 1 + (state % Math.max(2, Math.ceil(text.length / 4)));
    pieces.push(text.slice(at, next));
    at = next;
  }
  return pieces;
}

const folder = mkdtempSync(join(tmpdir(), 'intercept-answers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

async function read(runtime: string, answers: readonly (readonly string[])[]): Promise<{ outcomes: Outcome[]; cost: number }> {
  const file = join(folder, `${files++}.json`);
  writeFileSync(file, JSON.stringify(answers));
  const { stdout } = await promisify(execFile)(runtime, [CHILD, file], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
}

/** Every part of an answer behind every other: most are no answer. */
const PARTS = [OK, CHUNKED, '\r\n', '0', '5\r\n', 'hello', ':', 'Content-Length: 5\r\n', ' ', 'HTTP/1.1 100 C\r\n\r\n'];
const ODD = PARTS.flatMap((one) => PARTS.map((other) => `${one}${other}\r\n\r\n`));

/** Without what a message quotes, which is what came last. */
function plain(outcome: Outcome | undefined): Partial<Outcome> {
  return { ...outcome, fault: outcome?.fault?.replace(/, ".*"$/, '') };
}

for (const [name, runtime] of RUNTIMES) {
  describe(`${name}: RFC 9112 §6, §7`, () => {
    test(
      'what an answer is, however it is cut',
      async () => {
        const cut = [(text: string) => [text], byteByByte, ...[1, 2, 3].map((seed) => (text: string) => cutAnywhere(text, seed))];
        const { outcomes } = await read(
          runtime,
          cut.flatMap((pieces) => ANSWERS.map(([, text]) => pieces(text))),
        );
        for (const [index, outcome] of outcomes.entries()) {
          const [title, , expected] = ANSWERS[index % ANSWERS.length] as (typeof ANSWERS)[number];
          expect({ title, ...outcome, fault: outcome.fault }).toMatchObject({ title, fault: undefined, ...expected });
        }
        expect(outcomes).toHaveLength(ANSWERS.length * cut.length);
      },
      PATIENCE,
    );

    test(
      'SECURITY: what two readers could read differently is a fault, after all that came before it',
      async () => {
        const cut = [(text: string) => [text], byteByByte, ...[1, 2, 3].map((seed) => (text: string) => cutAnywhere(text, seed))];
        const { outcomes } = await read(
          runtime,
          cut.flatMap((pieces) => FAULTS.map(([, text]) => pieces(text))),
        );
        for (const [index, { fault, body: read }] of outcomes.entries()) {
          const [title, , expected, body = ''] = FAULTS[index % FAULTS.length] as (typeof FAULTS)[number];
          expect({ title, fault, read }).toEqual({ title, fault: expect.stringMatching(expected), read: body });
        }
        expect(outcomes).toHaveLength(FAULTS.length * cut.length);
      },
      PATIENCE,
    );

    test(
      'whatever comes, it is an answer or a fault, the same however it is cut',
      async () => {
        const { outcomes } = await read(runtime, [...ODD.map((text) => [text]), ...ODD.map(byteByByte)]);
        for (const [index, text] of ODD.entries())
          expect({ text, ...plain(outcomes[index + ODD.length]) }).toEqual({ text, ...plain(outcomes[index]) });
      },
      PATIENCE,
    );

    test(
      'wire.md §2.13: a hostile head, and chunks of one byte, cost little: ten million of them are refused',
      async () => {
        const slice = '1\r\nx\r\n'.repeat(8_192);
        const spaces = await read(runtime, [[`${OK}A:${' '.repeat(60_000)}\x01\r\n\r\n`]]);
        expect(spaces.outcomes[0]?.fault).toMatch(/cannot be read/);
        const many = await read(runtime, [[CHUNKED, ...Array<string>(25).fill(slice), '0\r\n\r\n']]);
        expect(many.outcomes[0]?.body.length).toBe(25 * 8_192);
        const all = await read(runtime, [[CHUNKED, ...Array<string>(1_280).fill(slice), '0\r\n\r\n']]);
        expect(all.outcomes[0]?.fault).toMatch(/too many small pieces/);
        expect(all.cost).toBeLessThan(1_000);
      },
      PATIENCE,
    );
  });
}
