/** wire.md §2.8: what came compressed, in any pieces, whole or broken. */
import { describe, expect, test } from 'bun:test';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { UpstreamFault } from '../../src/http/fault.ts';
import { inflate } from '../../src/http/inflate.ts';
import { RUNTIMES } from '../process/relays.ts';
import { faultOf, textOf } from './exchange.ts';
import { startRaw } from './raw-server.ts';

const ASK = join(import.meta.dirname, 'children/ask.ts');
const TEXT = `{"text":"${'0123456789'.repeat(5_000)}"}`;

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe.each([
  ['gzip', 'gzip', gzipSync],
  ['x-gzip', ' X-GZIP ', gzipSync],
  ['a zlib stream', 'deflate', deflateSync],
  ['a deflate stream that has no head, as many servers send it', 'deflate', deflateRawSync],
] as const)('%s', (_, encoding, deflated) => {
  test.each([1, 7, 1_000_000])('is inflated, in pieces of %i', async (size) => {
    expect(await textOf(inflate(inPieces(deflated(TEXT), size), encoding))).toBe(TEXT);
    expect(await textOf(inflate(inPieces(deflated(''), size), encoding))).toBe('');
  });

  test('that was cut is a fault, wherever it was', async () => {
    const whole = deflated('hello, hello, hello');
    for (let length = 1; length < whole.length; length++) {
      const fault = await faultOf(textOf(inflate(inPieces(whole.subarray(0, length), 1_000), encoding)));
      expect([fault.code, fault.sent, fault.message]).toEqual(['encoding', true, expect.stringContaining('is not the')]);
    }
  });
});

test('two gzip members are one body; what else follows is a fault', async () => {
  const one = gzipSync('hello');
  expect(await textOf(inflate(inPieces(Buffer.concat([one, one]), 3), 'gzip'))).toBe('hellohello');
  expect((await faultOf(textOf(inflate(inPieces(Buffer.concat([one, Buffer.from('more')]), 100), 'gzip')))).code).toBe('encoding');
});

test.each(['gzip', 'deflate', 'br', 'gzip, gzip'])('no bytes are no body, whatever the encoding: %s', async (encoding) => {
  expect(await textOf(inflate(inPieces(Buffer.alloc(0), 1), encoding))).toBe('');
});

test('an encoding that was not asked for is a fault', async () => {
  expect((await faultOf(textOf(inflate(inPieces(Buffer.from('x'), 1), 'br')))).message).toContain('not asked for, "br"');
});

test('who leaves the loop leaves the body, also while more of it is awaited', async () => {
  let left = false;
  const body = (async function* () {
    try {
      yield gzipSync('hello');
      yield* [];
    } finally {
      left = true;
    }
  })();
  for await (const _ of inflate(body, 'gzip')) break;
  expect(left).toBe(true);
});

test('a bomb is inflated no faster than it is read', async () => {
  const bomb = gzipSync(Buffer.alloc(64 << 20));
  let taken = 0;
  const body = (async function* () {
    for await (const piece of inPieces(bomb, 1_024)) {
      taken += piece.length;
      yield piece;
    }
  })();
  let read = 0;
  for await (const piece of inflate(body, 'gzip')) {
    read += piece.length;
    if (read > 1 << 20) break;
  }
  // A byte of it becomes a thousand.
  expect(read).toBeLessThan(4 << 20);
  expect(taken).toBeLessThan(8 << 10);
});

test('policy.md §6: the fault of the connection comes after all that came, and stays what it is', async () => {
  const broken = new UpstreamFault('broken', 'broke the connection', true);
  const body = (async function* () {
    yield gzipSync('hello');
    throw broken;
  })();
  const pieces = inflate(body, 'gzip')[Symbol.asyncIterator]();
  expect(Buffer.from((await pieces.next()).value).toString()).toBe('hello');
  expect(await faultOf(pieces.next())).toBe(broken);
});

for (const [name, runtime] of RUNTIMES)
  test(`policy.md §6, ${name}: an event that came compressed before its stream broke is not lost`, async () => {
    await using server = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n');
      const zip = createGzip();
      zip.on('data', (bytes: Buffer) => void socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF])));
      zip.write('data: 1\n\n');
      zip.flush(constants.Z_SYNC_FLUSH, () => void socket.end('zz\r\n'));
    });
    const { stdout } = await promisify(execFile)(runtime, [ASK, server.url]);
    expect(JSON.parse(stdout)).toMatchObject({ body: 'data: 1\n\n', code: 'broken', sent: true });
  }, 60_000);

const CRLF = Buffer.from('\r\n');
