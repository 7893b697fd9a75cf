/** policy.md §4: RE2's answers, whatever the text, in bounded time. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { loadRegexCompiler, type Matcher, openWork, UnjudgeableError } from '../../src/policy/schema/regex.ts';

/** What a condition tries a pattern on. */
const LONGEST_TEXT = 500_000;
const compile = await loadRegexCompiler();

function matcherOf(pattern: string, folded = false): Matcher {
  const made = compile(pattern, folded);
  if (!made.ok) throw new Error(made.why);
  return made;
}

describe('a pattern is found where RE2 finds it', () => {
  const atoms = [
    'a',
    'b',
    'K',
    '_',
    '.',
    '\\d',
    '\\w',
    '[a-c]',
    '[^a-c]',
    '\\pL',
    '\\b',
    '\\B',
    '^',
    '$',
    'é',
    '😀',
    '(?:ab|b)',
    '(a|\\s)',
    '(?m:^b$)',
  ];
  const atom = fc.constantFrom(...atoms);
  const repeat = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '*?');
  const pattern = fc
    .tuple(
      fc.constantFrom('', '', '^', '(?i)', '(?s)', '\\A'),
      fc.array(fc.tuple(atom, repeat), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('', '', '$', '\\z', '|c$'),
    )
    .map(([start, pieces, end]) => start + pieces.map((piece) => piece.join('')).join('') + end);
  const characters = [
    'a',
    'b',
    'c',
    'A',
    'k',
    '_',
    '-',
    '0',
    ' ',
    '\n',
    '\r',
    'é',
    '😀',
    '\ud83d',
    '\ude00',
    '\u2028',
    'ſ',
    'K',
    '\uffff',
    '\0',
  ];
  const text = fc.string({ unit: fc.constantFrom(...characters), maxLength: 12 });

  test('property', () => {
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 4 }), fc.boolean(), (source, values, folded) => {
        const made = compile(source, folded);
        if (!made.ok) return;
        const re2 = RE2JS.compile(source, folded ? RE2JS.CASE_INSENSITIVE : 0);
        for (const value of values) expect([value, made.matches(value)]).toEqual([value, re2.test(value)]);
      }),
      { numRuns: 10_000 },
    );
  });
});

/** Patterns for which a text can ask for a new state with nearly each character, what they need to be there, and letters for it. */
const HOSTILE: readonly (readonly [pattern: string, needed: string, letters: string])[] = [
  ['a[ab]{14}c', 'c', 'ab'],
  ['[ab]*a[ab]{20}$', '', 'ab'],
  ['(?i)a[ab]{40}c', 'c', 'abAB'],
  ['\\ba[ab ]{30}c\\b', 'c', 'aab '],
  ['(?s)a.{60}b\\pL{60}c', 'c', 'ab'],
  ['a[ab]{900}c', 'c', 'aaaaaaaab'],
  ['(a|aa|aaa|b|bb)*(a[ab]{60})(ab)*c$', 'c', 'aé b'],
  ['^[a-z_]+$', '', '😀'],
];

/** Deterministic, and without a period. */
function randomText(letters: string, length: number): string {
  let seed = 42;
  const all = [...letters];
  const out: string[] = [];
  while (out.length < length) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    out.push(all[(seed >>> 16) % all.length] ?? '');
  }
  return out.join('').slice(0, length);
}

describe('I11: a text keeps the loop for less than 50 ms', () => {
  test.each(HOSTILE)('%s', (pattern, needed, letters) => {
    const text = needed + randomText(letters, LONGEST_TEXT - 2 * needed.length) + needed;
    let least = Number.POSITIVE_INFINITY;
    let found: boolean | undefined;
    // What one text has built must not help the next: each attempt has a pattern of its own.
    for (let attempt = 0; attempt < 3; attempt++) {
      const { matches } = matcherOf(`${pattern}|(?:unheard of ${attempt})`);
      const before = process.cpuUsage();
      found = matches(text);
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000);
    }
    expect(least).toBeLessThan(50);
    expect(found).not.toBe(true);
  });

  test('within a budget, what is too much is thrown', () => {
    const work = openWork();
    expect(matcherOf('b').matchesWithin('a'.repeat(400_000), work)).toBe(false);
    expect(matcherOf('b').matchesWithin('a'.repeat(400_000), work)).toBe(false);
    expect(() => matcherOf('b').matchesWithin('a'.repeat(400_000), work)).toThrow(UnjudgeableError);
  });

  test('many short texts cost little once the pattern is known', () => {
    const work = openWork();
    const { matchesWithin } = matcherOf('^[^@,\\s]+@(?:example|acme)\\.com$');
    for (let index = 0; index < 10_000; index++) expect(matchesWithin(`user-${index % 10}@acme.com`, work)).toBe(true);
  });

  test('what is given up once is found in another text', () => {
    const { matches } = matcherOf('a[ab]{14}c');
    expect(matches(`c${randomText('ab', 100_000)}c`)).toBeUndefined();
    expect(matches('abababababababac')).toBe(true);
    expect(matches('ababc')).toBe(false);
  });
});
