import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { nativeTest } from '../../src/policy/schema/native-regex.ts';

const simple = [
  '^/app/src/',
  '\\.env$',
  '^[a-z_]+$',
  '^ch_[A-Za-z0-9]+$',
  '@acme\\.com$',
  '^[a-zA-Z0-9._%+-]+$',
  '^\\d\\d-\\w*$',
  '[^a-z]',
  '^x?y?z?$',
];
const notSimple = [
  '^(a|b)$',
  'a.c',
  '[a-z]+$',
  '^a+b+$',
  '(?i)abc',
  '\\s',
  '\\bword',
  '[[:alpha:]]',
  '^a{2,3}',
  'a|b',
  '^é$',
  '\\pL',
  '^a??$',
  'a?b?c?d?',
];

test.each(simple)('the language itself reads %s', (pattern) => expect(nativeTest(pattern)).toBeDefined());
test.each(notSimple)('RE2 reads %s', (pattern) => expect(nativeTest(pattern)).toBeUndefined());

describe('both engines agree on every simple pattern and any text (policy.md §4)', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '_',
    '-',
    '/',
    '\\.',
    '\\d',
    '\\w',
    '\\$',
    '[a-c]',
    '[^a-c]',
    '[\\w.-]',
    '[^\\d]',
    '[a-z._%+-]',
    '"',
    ' ',
    '0',
  );
  const repeat = fc.constantFrom('', '', '', '', '*', '+', '?');
  const pattern = fc
    .tuple(fc.constantFrom('^', ''), fc.array(fc.tuple(atom, repeat), { minLength: 1, maxLength: 6 }), fc.constantFrom('$', ''))
    .map(([start, pieces, end]) => start + pieces.map((piece) => piece.join('')).join('') + end);
  const text = fc.oneof(
    fc.string({
      unit: fc.constantFrom('a', 'b', 'c', '_', '-', '/', '.', '0', '9', '$', ' ', '\n', '\r', 'é', '😀', '\u2028', 'ſ', 'K'),
      maxLength: 12,
    }),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  );
  test('property', () => {
    fc.assert(
      fc.property(pattern, text, (source, value) => {
        const native = nativeTest(source);
        if (native) expect(native(value)).toBe(RE2JS.compile(source).test(value));
      }),
      { numRuns: 20_000 },
    );
  });
});

test('a long text costs linear time', () => {
  const matches = nativeTest('^[a-z_]+$');
  const long = `${'a'.repeat(1_000_000)}!`;
  expect(matches?.(long)).toBe(false);
  expect(nativeTest('[^a-z]a\\.$')?.(long)).toBe(false);
});
