/** Records of other requests than calls (cli.md §2, invariant I10). */
import { expect, test } from 'bun:test';
import type { ArgsMode } from '../../src/audit/record.ts';
import { renderFields } from '../../src/audit/record.ts';

const fields = (values: Readonly<Record<string, string>>, args: ArgsMode) =>
  JSON.parse(`{"x":0${renderFields({ type: 'request', fields: values }, { args, keyedHash: () => 'hashed' })}}`);

test('I10: a password in a resource’s address is masked', () => {
  const uri = 'postgres://ann:correct-horse@db/x';
  expect(fields({ uri }, 'redacted').uri).toBe('postgres://ann:[redacted 13 chars #hash]@db/x');
  expect(fields({ uri }, 'hash').uri).toBe('postgres://ann:[redacted 13 chars #hash]@db/x');
  expect(fields({ uri }, 'full').uri).toBe(uri);
});

test('I10: what a human entered is recorded as --audit-args says', () => {
  const inputs = '{"k":{"action":"accept","content":{"password":"correct-horse"}}}';
  expect(fields({ inputs }, 'redacted').inputs).toBe('{"k":{"action":"accept","content":{"password":"[redacted 13 chars #hash]"}}}');
  expect(fields({ inputs }, 'full').inputs).toBe(inputs);
  expect(fields({ inputs }, 'hash')).toEqual({ x: 0, inputs_hash: 'hashed' });
});
