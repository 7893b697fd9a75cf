/** Rules by hand (library/sharp): each has tests beside its policy, and these call every tool that a person wrote rules for. */
import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { toolsIn } from '../../../src/setup/library/merge.ts';
import { ROOT } from '../../harness/paths.ts';

const IDS = readdirSync(join(ROOT, 'library', 'sharp')).map((name) => name.replace(/\.yaml$/, ''));

const fragmentOf = (id: string): string => readFileSync(join(ROOT, 'library', 'sharp', `${id}.yaml`), 'utf8');
const testsOf = (id: string): string => join(ROOT, 'policies', `${id}.test.yaml`);

/** What a step of a test file says of a call. */
interface Call {
  readonly call?: string;
  readonly expect?: string;
}

function callsOf(id: string): readonly Call[] {
  const { cases }: { readonly cases: readonly { readonly steps: readonly Call[] }[] } = parse(readFileSync(testsOf(id), 'utf8'));
  return cases.flatMap(({ steps }) => steps);
}

test('every policy with rules by hand has tests', () => {
  expect(IDS.length).toBeGreaterThan(100);
  expect(IDS.filter((id) => !existsSync(testsOf(id)))).toEqual([]);
});

test('the tests call every tool that has rules by hand', () => {
  const missing = IDS.flatMap((id) => {
    const called = new Set(callsOf(id).map(({ call }) => call));
    return toolsIn(fragmentOf(id)).flatMap((tool) => (tool === '*' || called.has(tool) ? [] : [`${id}: ${tool}`]));
  });
  expect(missing).toEqual([]);
});

test('a tool whose rules look at arguments is let through or held once, and denied once', () => {
  const oneSided = IDS.flatMap((id) => {
    const { tools }: { readonly tools: Readonly<Record<string, unknown>> } = parse(fragmentOf(id));
    const steps = callsOf(id);
    return toolsIn(fragmentOf(id)).flatMap((tool) => {
      if (tool === '*' || !/"arguments":|"conditions":/.test(JSON.stringify(tools[tool]))) return [];
      const found = new Set(steps.filter(({ call }) => call === tool).map((step) => step.expect));
      return (found.has('allow') || found.has('hold')) && (found.has('deny') || found.has('hold')) ? [] : [`${id}: ${tool}`];
    });
  });
  expect(oneSided).toEqual([]);
});
