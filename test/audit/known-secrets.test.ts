/** I10: secrets that the proxy holds never reach audit and logs, and what masks them breaks nothing. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { openJsonMask, openMask } from '../../src/audit/mask.ts';

const SECRETS = ['tok-7f3a9c', '123456', 'nsecret', 'a"b\\c.d*e', 'Bearer tok-7f3a9c'];

test('texts are masked as they are and as JSON writes them, the longest first', () => {
  const mask = openMask(SECRETS);
  expect(mask('x Bearer tok-7f3a9c y tok-7f3a9c')).toBe('x [redacted] y [redacted]');
  expect(mask(JSON.stringify({ a: 'a"b\\c.d*e' }))).toBe('{"a":"[redacted]"}');
  expect(mask('axb\\cXdee')).toBe('axb\\cXdee');
});

test('short texts are left, and without secrets all is', () => {
  expect(openMask(['1', 'acme'])('1 acme')).toBe('1 acme');
  expect(openMask([])('x')).toBe('x');
  expect(openJsonMask([])('"x"')).toBe('"x"');
});

test('JSON stays JSON: numbers are left, and what is escaped is seen through', () => {
  const mask = openJsonMask(SECRETS);
  expect(mask('{"n":123456,"s":"123456","t":"\\u0074ok-7f3a9c","u":"\\nsecret"}')).toBe(
    '{"n":123456,"s":"[redacted]","t":"[redacted]","u":"\\nsecret"}',
  );
});

test('any JSON with secrets in it parses, without them', () => {
  const text = fc.array(fc.oneof(fc.string(), fc.constantFrom(...SECRETS, '\n', '\\', '"'))).map((parts) => parts.join(''));
  const value = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.array(text)));
  fc.assert(
    fc.property(value, (object) => {
      const masked = openJsonMask(SECRETS)(JSON.stringify(object));
      const strings = (JSON.stringify(JSON.parse(masked)).match(/"(?:[^"\\]|\\.)*"/g) ?? []).map((string) => JSON.parse(string) as string);
      expect(strings.filter((string) => SECRETS.some((secret) => string.includes(secret)))).toEqual([]);
    }),
    { numRuns: 300, seed: 3 },
  );
});
