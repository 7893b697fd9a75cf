import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { DIAGNOSTICS, type DiagnosticCode } from '../../src/policy/codes.ts';
import { policySchema, renderPolicySchema } from '../../src/policy/format/json-schema.ts';
import { loadPolicyText } from '../../src/policy/load.ts';

const FILE = new URL('../../schema/policy.schema.json', import.meta.url);
const SEEDS = new URL('../policies/seeds/', import.meta.url);

function isStructural(code: string): boolean {
  const kind: { readonly severity: string; readonly structural?: boolean } = DIAGNOSTICS[code as DiagnosticCode];
  return kind.structural === true;
}

/** Texts that are no YAML for us have no value that a schema could judge. */
function isUnreadable(code: string): boolean {
  return code.startsWith('yaml-') || code === 'duplicate-key' || code === 'too-deep';
}

const seeds = readdirSync(SEEDS).map((name) => ({ name, policy: readFileSync(new URL(name, SEEDS), 'utf8') }));
const faults: readonly { name: string; policy: string }[] = parse(readFileSync(new URL('faults.yaml', import.meta.url), 'utf8'));
const vectors = parse(readFileSync(new URL('../vectors/language.test.yaml', import.meta.url), 'utf8'));

describe('policy.md §14: the published JSON Schema', () => {
  test('is what the description of the format says', () => {
    expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(policySchema());
    expect(JSON.parse(renderPolicySchema())).toEqual(policySchema());
  });

  const validate = new Ajv2020({ strict: false }).compile(policySchema() as object);
  for (const { name, policy } of [...seeds, ...faults, { name: 'the language', policy: JSON.stringify(vectors.policy) }]) {
    test(`agrees with the checker: ${name}`, async () => {
      const { diagnostics } = await loadPolicyText(policy);
      const codes = diagnostics.map(({ code }) => code);
      if (codes.some(isUnreadable)) return;
      expect(validate(parse(policy))).toBe(!codes.some(isStructural));
    });
  }
});
