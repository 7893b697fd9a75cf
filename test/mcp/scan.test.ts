/** INVARIANT I7: long strings, which a scan skips where it can, read as short ones do. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readClientFrame } from '../../src/mcp/messages/client.ts';
import { LINE_LIMITS } from '../../src/mcp/messages/frame.ts';
import { readServerFrame } from '../../src/mcp/messages/server.ts';

const frameOf = (string: string) => Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"${string}","b":["${string}"]}}`);

/** What JSON.parse reads; undefined where it is no JSON. */
function parsed(bytes: Buffer): { params: { a: string } } | undefined {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** Whether both readers take the frame; one alone does where that is said to be right. */
function isRead(bytes: Uint8Array): boolean {
  const strict = readClientFrame(bytes, LINE_LIMITS).kind === 'request';
  expect(readServerFrame(bytes).kind === 'request').toBe(strict);
  return strict;
}

describe('a string', () => {
  test('with a control character in it is refused, wherever it stands', () => {
    for (let code = 0; code < 32; code++)
      for (let before = 0; before < 130; before += code % 4 === 0 ? 1 : 7)
        for (const after of [0, 3, 200])
          expect(isRead(frameOf(`${'x'.repeat(before)}${String.fromCharCode(code)}${'é'.repeat(after)}`))).toBe(false);
  });

  test('with any other character in it is read', () => {
    for (const text of ['\u007f', '\u0080', 'é', '\u2028', '😀', '\uffff', ' '])
      for (const length of [1, 47, 48, 49, 200]) expect(isRead(frameOf(text.repeat(length)))).toBe(true);
  });

  test('property: is read where JSON.parse reads it', () => {
    const piece = fc.oneof(
      fc.nat(150).map((length) => 'a b'.repeat(50).slice(0, length)),
      fc.constantFrom(
        '\\"',
        '\\\\',
        '\\n',
        '\\u0041',
        '\\ud83d\\ude00',
        '😀',
        '\\q',
        '\\u00g0',
        '\\',
        '"',
        '\t',
        '\u0001',
        '"b',
        '","c":"',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const bytes = frameOf(pieces.join(''));
        const expected = parsed(bytes);
        expect(readServerFrame(bytes).kind === 'request').toBe(expected !== undefined);
        // Another member that is there twice is refused for itself.
        const isStrict = expected?.params.a.isWellFormed() === true && !pieces.includes('","c":"');
        if (isStrict || !expected) expect(readClientFrame(bytes, LINE_LIMITS).kind === 'request').toBe(isStrict);
      }),
      { numRuns: 3000 },
    );
  });

  test('that is a key is known again, however long and however escaped', () => {
    for (const length of [1, 40, 47, 48, 49, 100, 300]) {
      const key = 'k'.repeat(length);
      const read = (other: string) =>
        readClientFrame(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":{"${key}":1,"${other}":2}}}`), LINE_LIMITS);
      expect(read(key)).toMatchObject({ kind: 'refused', reason: 'duplicate_key' });
      expect(read(`${key.slice(1)}\\u006b`)).toMatchObject({ kind: 'refused', reason: 'duplicate_key' });
      expect(read(`${key}k`).kind).toBe('request');
    }
  });
});
