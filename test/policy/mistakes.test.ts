/** policy.md §14: whoever writes what other tools take is told what to write here, once and without false second errors. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { loadPolicyText } from '../../src/policy/load.ts';

/** One of these is written: a whole text, what follows the head of a policy, a rule of it, or a condition of that. */
interface Mistake {
  readonly text?: string;
  readonly policy?: string;
  readonly rule?: string;
  readonly condition?: string;
  readonly says: readonly string[];
}

const MISTAKES: readonly Mistake[] = parse(readFileSync(new URL('mistakes.yaml', import.meta.url), 'utf8'));
const HEAD = 'version: "1"\nname: n\ndefault: deny\nmethods: deny\n';

function textOf({ text, policy, rule, condition }: Mistake): string {
  if (text !== undefined) return text;
  if (policy !== undefined) return HEAD + policy;
  return `${HEAD}tools:\n  pay:\n    rules:\n      - ${condition === undefined ? rule : `conditions: [${condition}]`}\n`;
}

describe('policy.md §14: mistakes', () => {
  for (const mistake of MISTAKES)
    test(JSON.stringify(mistake.text ?? mistake.policy ?? mistake.rule ?? mistake.condition), async () => {
      const { diagnostics } = await loadPolicyText(textOf(mistake));
      expect(diagnostics.map(({ code, help }) => (help === undefined ? code : `${code}: ${help}`))).toEqual([...mistake.says]);
    });
});

test('what is indented wrongly is pointed at where it stands', async () => {
  const { diagnostics } = await loadPolicyText(`${HEAD}tools:\n  pay:\n    rules:\n      - name: a\n       action: deny\n`);
  expect(diagnostics.map(({ position }) => position)).toEqual([{ line: 9, column: 8 }]);
});
