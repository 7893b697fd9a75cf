/** What sources must not use for the sake of the oldest Node that the package is for (Node.js 22.13). */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/paths.ts';

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(ROOT, 'src', name), 'utf8') }));
const found = (pattern: RegExp) => sources.flatMap(({ name, text }) => (pattern.test(text) ? [name] : []));

// Before 22.16 the timer is forgotten as soon as only the joined signal depends on it: what it bounds then hangs for ever.
test('no time-out is a part of AbortSignal.any', () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(found(/AbortSignal\.any\(\[[^\]]*AbortSignal\.timeout/)).toEqual([]);
});

// The driver of 22.13 takes a numbered parameter for a named one, and finds no place for the value.
test('no SQL numbers its parameters', () => {
  expect(found(/(?:SELECT|UPDATE|DELETE|INSERT)[^;]*\?\d/)).toEqual([]);
});
