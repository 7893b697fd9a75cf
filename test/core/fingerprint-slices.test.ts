/** wire.md §2.13: what a large call is known by, in slices. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { canonicalText } from '../../src/core/fingerprint.ts';
import { canonicalInSlices } from '../../src/core/fingerprint-slices.ts';
import type { Json } from '../../src/core/json.ts';
import { finish } from '../../src/core/slices.ts';
import { MAX_VALUES } from '../../src/mcp/messages/envelope.ts';
import { expectShortSlices } from '../harness/cost.ts';
import { SHAPES } from '../harness/large-frames.ts';
import { json } from './cases.ts';

setDefaultTimeout(60_000);

const encoder = new TextEncoder();

/** As it is hashed: each piece encoded by itself. */
function pieces(value: Json): readonly Uint8Array[] {
  const all: Uint8Array[] = [];
  finish(canonicalInSlices(value, (piece) => void all.push(encoder.encode(piece))));
  return all;
}

function expectAlike(value: Json): void {
  expect(Buffer.concat(pieces(value)).equals(Buffer.from(canonicalText(value)))).toBe(true);
}

describe('the canonical text in slices is the one that is made at once', () => {
  test('of any value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6, stringUnit: 'binary' }), (text) => expectAlike(json(text))),
      { numRuns: 2000 },
    );
  });

  test('of any object of many members, however they come', () => {
    const keys = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 200 });
    fc.assert(
      fc.property(keys, (names) => expectAlike(new Map(names.map((name, index) => [name, { number: `${index}.0` }])))),
      { numRuns: 500 },
    );
  });

  test.each(Object.entries(SHAPES))('of many slices: %s', (_name, make) => expectAlike(json(make(300_000))));

  test('wherever a piece ends', () => {
    const pair = '\u{1f600}';
    for (const text of [pair, '\ud83d', '\ude00', '"', '\u0001'])
      for (const length of [32_766, 32_767, 32_768, 65_535]) {
        const value = `${'x'.repeat(length)}${text.repeat(5)}x${text.repeat(40_000)}`;
        expectAlike(value);
        expectAlike(new Map([[value, [value]]]));
      }
    expectAlike([{ number: `-0.${'0'.repeat(70_000)}1${'0'.repeat(70_000)}e7` }, { number: `1${'0'.repeat(70_000)}` }]);
  });
});

const MOST = 10 * 1024 * 1024;

describe('no slice is long', () => {
  // Of more values nothing is read.
  test.each(Object.entries(SHAPES))('%s', (_name, make) => {
    const sample = json(make(100_000));
    const value = json(make(Math.min(MOST, (100_000 * MAX_VALUES) / valuesOf(sample))));
    expectShortSlices(() => canonicalInSlices(value, (piece) => void encoder.encode(piece)));
  });

  test('long keys that differ at their end', () => {
    for (const [count, length] of [
      [500, 20_000],
      [16, 650_000],
      [2, 5_000_000],
    ] as const) {
      const value = new Map(Array.from({ length: count }, (_, index) => [`${'k'.repeat(length)}${count - index}`, null]));
      expectShortSlices(() => canonicalInSlices(value, () => {}));
    }
  });
});

function valuesOf(value: Json): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item: Json) => sum + valuesOf(item), 4);
  if (value instanceof Map) return [...value.values()].reduce((sum: number, item: Json) => sum + valuesOf(item), 4);
  return 1;
}
