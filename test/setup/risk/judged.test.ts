/** The classes of tools that people judged: a change of the words must not make them worse (`npm run risk` shows where). */
import { describe, expect, test } from 'bun:test';
import { judge, readJudged, renderScore, scoreOf, type Verdict } from '../../../scripts/risk/judged.ts';
import { kindOf, phrasesOf, wordsOf } from '../../../src/setup/risk/lookup.ts';
import { BROWSER_STEPS, EFFECTS, FOREIGN, REFINEMENTS, SIGNS, VERBS } from '../../../src/setup/risk/words.ts';

/** Tools of a set that agreed when it was last changed, of so many. Raise the first, never lower it. */
const AGREED = { first: [328, 337], second: [268, 275], third: [146, 150], fourth: [117, 120] } as const;

const SERVERS = readJudged();
const VERDICTS: readonly Verdict[] = SERVERS.flatMap((server) => judge(server));

describe('judged tools', () => {
  test.each(Object.entries(AGREED))('of the %s set agree as before, 93 %% or more', (set, [agreed, total]) => {
    const score = scoreOf(VERDICTS.filter(({ judged }) => judged.set === set));
    expect(score.total).toBe(total);
    expect(score.agree).toBeGreaterThanOrEqual(agreed);
    expect(score.agree / score.total).toBeGreaterThan(0.93);
  });

  test('that destroy or cost money are never called Read', () => {
    expect(scoreOf(VERDICTS).missed).toEqual([]);
  });

  test('are shown as a matrix with every difference', () => {
    const text = renderScore('all', scoreOf(VERDICTS));
    expect(text.split('\n').filter((line) => /^ {2}\w+ → /.test(line)).length).toBe(VERDICTS.length - scoreOf(VERDICTS).agree);
    expect(text).toContain('0 Destructive or Financial called Read');
  });

  test('are kept without texts of others: what stands for a description is what our table found in it', () => {
    const phrases = new Set(['args', 'scanner', ...SIGNS.flatMap((sign) => phrasesOf(sign.phrases))]);
    const pieces = SERVERS.flatMap(({ tools }) =>
      tools.flatMap(({ description = '', inputSchema }) => [description, ...textsIn(inputSchema)]),
    );
    const words = pieces.flatMap((text) => text.split(/[.,] /)).filter((word) => word !== '');
    expect(words.length).toBeGreaterThan(1_000);
    expect(words.filter((word) => kindOf(word) === undefined && !phrases.has(word))).toEqual([]);
  });
});

/** The descriptions within a schema, of arguments that may themselves be called so. */
function textsIn(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => (key === 'description' && typeof value === 'string' ? [value] : textsIn(value)));
}

describe('the table of words', () => {
  test('has each verb once, and no row speaks of a verb that is not there', () => {
    const verbs = Object.values(VERBS).flatMap((row) => row.trim().split(/\s+/));
    const twice = verbs.filter((verb, at) => verbs.indexOf(verb) !== at);
    expect(twice).toEqual([]);
    const known = new Set(verbs);
    const spoken = [EFFECTS, ...REFINEMENTS.map((row) => row.verbs), ...phrasesOf(FOREIGN).map((pair) => pair.split(' ')[1] ?? '')].flatMap(
      (row) => [...wordsOf(row)],
    );
    expect(spoken.filter((verb) => !known.has(verb))).toEqual([]);
    expect([...wordsOf(BROWSER_STEPS)].filter((step) => !known.has(step) && step !== 'doubletap')).toEqual([]);
  });
});
