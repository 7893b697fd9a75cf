/** RFC 9112, as a client that trusts nobody reads it: every case in one piece, byte by byte, and cut anywhere. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { UpstreamFault } from '../../../src/http/fault.ts';
import type { AnswerHead } from '../../../src/http/http1/head.ts';
import { createAnswerReader } from '../../../src/http/http1/reader.ts';
import { costOf } from '../../harness/cost.ts';

interface Outcome {
  readonly status: number | undefined;
  readonly keptFor: number | undefined;
  readonly body: string;
  /** What was left of the bytes when the answer was whole. */
  readonly rest: string;
  readonly fault: string | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Reads what comes in these pieces, and then the end of the connection. */
function read(pieces: readonly Buffer[]): Outcome {
  let head: AnswerHead | undefined;
  const body: Uint8Array[] = [];
  const rest: Uint8Array[] = [];
  const reader = createAnswerReader({
    head: (found) => {
      head = found;
    },
    piece: (bytes) => void body.push(Buffer.from(bytes)),
  });
  let fault: string | undefined;
  try {
    for (const piece of pieces) rest.push(piece.subarray(reader.isOver ? 0 : reader.push(piece)));
    reader.end();
  } catch (error) {
    if (!(error instanceof UpstreamFault) || error.code !== 'broken' || !error.sent) throw error;
    fault = error.message;
  }
  return {
    status: head?.status,
    keptFor: head?.keptFor,
    headers: { ...head?.headers },
    body: Buffer.concat(body).toString('latin1'),
    rest: fault === undefined ? Buffer.concat(rest).toString('latin1') : '',
    fault,
  };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const LONG = 'x'.repeat(70_000);

const ANSWERS: readonly (readonly [name: string, bytes: string, expected: Partial<Outcome>])[] = [
  ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, { status: 200, body: 'hello', rest: '' }],
  ['a length of nothing', `${OK}Content-Length: 0\r\n\r\n`, { status: 200, body: '' }],
  ['the same length twice', `${OK}Content-Length: 5\r\ncontent-length:5 \r\n\r\nhello`, { body: 'hello' }],
  ['chunks', `${CHUNKED}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`, { body: 'hello!', rest: '' }],
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
  ['neither: the end of the connection', `${OK}X: y\r\n\r\nhello`, { body: 'hello', keptFor: 0 }],
  ['HTTP/1.0, which closes', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi', { body: 'hi', keptFor: 0 }],
  ['HTTP/1.0, which does not', 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi', { body: 'hi', keptFor: 4_000 }],
  ['Connection: close', `${OK}Connection: foo, Close\r\nContent-Length: 2\r\n\r\nhi`, { body: 'hi', keptFor: 0 }],
  ['Keep-Alive with a time-out', `${OK}Keep-Alive: timeout=5, max=10\r\nContent-Length: 2\r\n\r\nhi`, { keptFor: 4_000 }],
  ['Keep-Alive with a long time-out', `${OK}Keep-Alive: timeout=3600\r\nContent-Length: 2\r\n\r\nhi`, { keptFor: 60_000 }],
  ['Keep-Alive with hardly any', `${OK}Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nhi`, { keptFor: 0 }],
  ['204 has no body', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello', { status: 204, body: '', rest: 'hello', keptFor: 0 }],
  ['304 has no body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', { status: 304, body: '', rest: '', keptFor: 0 }],
  ['204 that says so, too', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', { status: 204, keptFor: 4_000 }],
  ['204 that announces chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', { status: 204, keptFor: 0 }],
  [
    'heads that announce another',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    { status: 200, body: 'hi', headers: { 'content-length': '2' } },
  ],
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
  [
    'a second answer behind the first',
    `${OK}Content-Length: 2\r\n\r\nhi${OK}Content-Length: 5\r\n\r\nstray`,
    { body: 'hi', rest: `${OK}Content-Length: 5\r\n\r\nstray` },
  ],
  ['a second answer behind chunks', `${CHUNKED}2\r\nhi\r\n0\r\n\r\n${OK}`, { body: 'hi', rest: OK }],
  ['as many headers as may be', `${OK}${'A: b\r\n'.repeat(255)}Content-Length: 0\r\n\r\n`, { status: 200 }],
];

const FAULTS: readonly (readonly [name: string, bytes: string, fault: RegExp, body?: string])[] = [
  ['nothing', '', /broke the connection before it answered/],
  ['half a head', `${OK}Content-Le`, /in the middle/],
  ['half a body', `${OK}Content-Length: 50\r\n\r\nhello`, /in the middle/, 'hello'],
  ['half a chunk', `${CHUNKED}5\r\nhel`, /in the middle/, 'hel'],
  ['chunks without the last', `${CHUNKED}5\r\nhello\r\n`, /in the middle/, 'hello'],
  ['chunks without the end of trailers', `${CHUNKED}2\r\nhi\r\n0\r\nX: y\r\n`, /in the middle/, 'hi'],
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
  ...['-2', '0x2', '2 ', ' 2', '', 'g', '1234567890123'].map(
    (size) => [`the chunk size ${JSON.stringify(size)}`, `${CHUNKED}${size}\r\nhi\r\n0\r\n\r\n`, /without a size/] as const,
  ),
  ['a chunk that is longer than it says', `${CHUNKED}2\r\nhiho\r\n0\r\n\r\n`, /a chunk that does not end where it says/, 'hi'],
  ['a chunk without its line end', `${CHUNKED}2\r\nhi0\r\n\r\n`, /a chunk that does not end/, 'hi'],
  ['a lone LF behind a chunk size', `${CHUNKED}2\nhi\r\n0\r\n\r\n`, /a line that LF alone ends/],
  ['an extension with a lone LF', `${CHUNKED}2;a\n0\r\nhi\r\n0\r\n\r\n`, /a line that LF alone ends/],
  ['an extension without an end', `${CHUNKED}2;${LONG}`, /more than 4096 bytes/],
  ['a trailer that cannot be read', `${CHUNKED}0\r\nX y\r\n\r\n`, /a header that cannot be read/],
  ['trailers without an end', `${CHUNKED}0\r\n${`X: ${'y'.repeat(1_000)}\r\n`.repeat(70)}\r\n`, /trailers without an end/],
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', /something else than HTTP\/1.1, "SSH/],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n', /something else/],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n', /something else/],
  ['a status line without a status', 'HTTP/1.1 OK\r\n\r\n', /something else/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', /something else/],
  ['a status that HTTP does not have', 'HTTP/1.1 099 Odd\r\n\r\n', /the status 099, which HTTP does not have/],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', /another protocol, unasked/],
  ['an empty line before the status', `\r\n${OK}\r\n`, /something else/],
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

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function byteByByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

describe('RFC 9112 §6, §7: what an answer is', () => {
  test.each(ANSWERS)('%s', (_, text, expected) => {
    const whole = read([bytesOf(text)]);
    expect(whole).toMatchObject({ fault: undefined, ...expected });
    expect(read(byteByByte(bytesOf(text)))).toEqual(whole);
  });

  test('a head that is as long as may be is one, byte for byte', () => {
    const fill = 65_536 - `${OK}A: \r\nContent-Length: 0`.length;
    const text = (more: number) => `${OK}A: ${'x'.repeat(fill + more)}\r\nContent-Length: 0\r\n\r\n`;
    for (const pieces of [(bytes: Buffer) => [bytes], byteByByte]) {
      expect(read(pieces(bytesOf(text(0)))).fault).toBeUndefined();
      expect(read(pieces(bytesOf(text(1)))).fault).toMatch(/more than 65536/);
    }
  });
});

describe('SECURITY: what two readers could read differently is a fault, after all that came before it', () => {
  test.each(FAULTS)('%s', (_, text, fault, body = '') => {
    const whole = read([bytesOf(text)]);
    expect(whole.fault).toMatch(fault);
    expect(whole.body).toBe(body);
    expect(read(byteByByte(bytesOf(text)))).toEqual(whole);
  });
});

test('wherever the bytes are cut, the answer is the same', () => {
  const all = [...ANSWERS, ...FAULTS].map(([, text]) => text).filter((text) => text.length < 4_000);
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.array(fc.nat(200), { maxLength: 20 }), (text, sizes) => {
      const bytes = bytesOf(text);
      const pieces: Buffer[] = [];
      let at = 0;
      for (const size of sizes) {
        pieces.push(bytes.subarray(at, at + size + 1));
        at += size + 1;
      }
      pieces.push(bytes.subarray(at));
      expect(read(pieces.filter(({ length }) => length > 0))).toEqual(read([bytes]));
    }),
    { seed: 7, numRuns: 2_000 },
  );
});

test('any body arrives as it was chunked', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 }), fc.nat(30), (parts, size) => {
      const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${Buffer.from(part).toString('latin1')}\r\n`);
      const bytes = bytesOf(`${CHUNKED}${chunks.join('')}0\r\n\r\n`);
      const pieces = Array.from({ length: Math.ceil(bytes.length / (size + 1)) }, (_, i) =>
        bytes.subarray(i * (size + 1), (i + 1) * (size + 1)),
      );
      expect(read(pieces)).toMatchObject({ body: Buffer.concat(parts).toString('latin1'), rest: '', fault: undefined });
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('whatever comes, it is an answer or a fault', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(OK, CHUNKED, '\r\n', '0', '5\r\n', 'hello', ':', 'Content-Length: 5\r\n', ' ', 'HTTP/1.1 100 C\r\n\r\n'), {
        maxLength: 12,
      }),
      (parts) => {
        const bytes = bytesOf(parts.join(''));
        expect(read(byteByByte(bytes))).toEqual(read([bytes]));
      },
    ),
    { seed: 7, numRuns: 2_000 },
  );
});

test('a hostile head, and chunks of one byte, cost no more than their length', () => {
  const spaces = bytesOf(`${OK}A:${' '.repeat(60_000)}\x01\r\n\r\n`);
  const many = bytesOf(`${CHUNKED}${'1\r\nx\r\n'.repeat(200_000)}0\r\n\r\n`);
  const began = performance.now();
  expect(read([spaces]).fault).toMatch(/cannot be read/);
  expect(read(byteByByte(spaces)).fault).toMatch(/cannot be read/);
  expect(read([many]).body.length).toBe(200_000);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('wire.md §2.13: 10 MiB in chunks of one byte cost less than a second', () => {
  const small = '1\r\nx\r\n';
  const slice = bytesOf(small.repeat(8_192));
  const cost = costOf(() => {
    let length = 0;
    const reader = createAnswerReader({
      head() {},
      piece(bytes) {
        length += bytes.length;
      },
    });
    reader.push(bytesOf(CHUNKED));
    for (let n = 0; n < 1_280; n++) reader.push(slice);
    expect(length).toBe(10 * 1024 * 1024);
  });
  expect(cost).toBeLessThan(1_000);
});

test('small chunks that are joined are read as strictly', () => {
  for (const [chunks, body] of [
    ['1\r\na\r\nF\r\n0123456789abcde\r\nf\r\n0123456789abcde\r\n', 'a0123456789abcde0123456789abcde'],
    ['1\r\na\r\n2;x\r\nbc\r\n1\r\nd\r\n', 'abcd'],
    ['1\r\n\r\r\n1\r\n\n\r\n', '\r\n'],
  ] as const)
    expect(read([bytesOf(`${CHUNKED}${chunks}0\r\n\r\n`)])).toMatchObject({ body, fault: undefined });
  for (const chunks of ['1\r\na\r\n1\r\nab\r\n', '1\r\na\r\n1\nb\r\n', '1\r\na\r\ng\r\nb\r\n', '1\r\na\r\n@\r\nb\r\n'])
    expect(read([bytesOf(`${CHUNKED}${chunks}0\r\n\r\n`)]).fault).toBeDefined();
});
