/** What a person who decides is shown of a stranger's text (policy.md §12). */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { lookOf, revealText } from '../../src/core/reveal.ts';

const shown = (text: string) =>
  revealText(text)
    .map((piece) => (piece.kind === 'plain' ? piece.text : piece.kind === 'foreign' ? `(${piece.text})` : `[${piece.label}]`))
    .join('');

describe('policy.md §12: a text is shown so that nothing hides in it', () => {
  test.each([
    ['plain text, 100%', 'plain text, 100%'],
    ['', ''],
    [' a', '[space]a'],
    ['a ', 'a[space]'],
    ['a   b', 'a[3 spaces]b'],
    ['a\nb', 'a[U+000A line feed]b'],
    ['pay 100\u202e001', 'pay 100[U+202E right-to-left override]001'],
    ['a\u200bb\ufeffc', 'a[U+200B zero width space]b[U+FEFF byte order mark]c'],
    ['\u001b[2Jx', '[U+001B escape][2Jx'],
    ['caf\u00e9', 'caf(é)'],
    ['cafe\u0301', 'cafe[U+0301]'],
    ['日本 円', '(日本) (円)'],
    ['p\u0430ypal', 'p[U+0430 looks like a]ypal'],
    ['\uff11\uff10', '[U+FF11 looks like 1][U+FF10 looks like 0]'],
    ['\ud800', '[U+D800]'],
    ['\u{e0041}', '[U+E0041]'],
    ['\u115f\u3164', '[U+115F][U+3164]'],
    ['a\u00a0b', 'a[U+00A0 no-break space]b'],
  ])('%j', (text, expected) => expect(shown(text)).toBe(expected));

  test('marks that are stacked on a letter are counted, the first two stay', () => {
    expect(shown('\u0e01\u0e34\u0e48\u0e34\u0e48')).toBe('(\u0e01\u0e34\u0e48)[U+0E34][U+0E48]');
  });

  test('no character is lost or changed, and plain pieces are ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const pieces = revealText(text);
        expect(pieces.map((piece) => piece.text).join('')).toBe(text);
        for (const piece of pieces) if (piece.kind === 'plain') expect(piece.text).toMatch(/^[ -~]+$/);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });
});

test('names that only their unseen or look-alike characters tell apart have one look', () => {
  expect(lookOf('\u0430mount')).toBe(lookOf('amount'));
  expect(lookOf('amo\u200bunt')).toBe(lookOf('Amount'));
  expect(lookOf('amount')).not.toBe(lookOf('amounts'));
});
