import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { loadPolicyText } from '../../src/policy/load.ts';

const FOLDER = new URL('../policies/seeds/', import.meta.url);
const seeds = readdirSync(FOLDER).map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
const faults = readFileSync(new URL('faults.yaml', import.meta.url), 'utf8');
const scraps = [
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  ': ',
  '- ',
  '\n',
  '  ',
  '\t',
  '&a ',
  '*a',
  '!!int ',
  '---\n',
  '|',
  '>',
  '#',
  '0x1',
  '1e999999999999',
  '__proto__: ',
  'constructor',
  '%',
  '\u0000',
  '\ud800',
  '"*"',
];

/** A seed with some places cut out, doubled, or with scraps of YAML put in. */
const mutated = fc
  .record({
    seed: fc.constantFrom(...seeds, faults),
    cuts: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        drop: fc.nat(12),
        put: fc.oneof(fc.constantFrom(...scraps), fc.string({ maxLength: 8 })),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ seed, cuts }) =>
    cuts.reduce((text, { at, drop, put }) => {
      const index = Math.floor(at * text.length);
      return text.slice(0, index) + put + text.slice(index + drop);
    }, seed),
  );

async function check(text: string): Promise<void> {
  const { policy, diagnostics } = await loadPolicyText(text);
  expect(policy === undefined).toBe(diagnostics.some(({ severity }) => severity === 'error'));
  const places = diagnostics.map(({ position }) => position.line * 1e6 + position.column);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  for (const { position, message } of diagnostics) {
    expect(position.line).toBeGreaterThan(0);
    expect(position.column).toBeGreaterThan(0);
    expect(message).not.toContain('undefined');
  }
}

test('I8: any change to a policy loads or says why, and never throws', async () => {
  await fc.assert(fc.asyncProperty(mutated, check), { numRuns: 400 });
}, 60_000);

test('any text loads or says why', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), check), { numRuns: 300 });
}, 60_000);

for (const [name, text] of Object.entries({
  'open brackets': '['.repeat(20_000),
  dashes: '- '.repeat(20_000),
  questions: '? '.repeat(10_000),
  'mixed brackets': '{['.repeat(5_000),
})) {
  test(`a text that nests without end is an error: ${name}`, async () => {
    const { policy, diagnostics } = await loadPolicyText(text);
    expect(policy).toBeUndefined();
    expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true);
  });
}
