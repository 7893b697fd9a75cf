import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { canonicalText, identityText } from '../../src/core/fingerprint.ts';
import { equalJson } from '../../src/core/json.ts';
import { argsOf, json } from './cases.ts';

function identity(args: string, more: Partial<Parameters<typeof identityText>[0]> = {}): string {
  return identityText({ namespace: 'n', upstream: 'u', agent: 'a', tool: 't', args: argsOf(args), ...more });
}

describe('policy.md §12: the same call', () => {
  test('keys in any order, numbers by value, white space and escapes aside', () => {
    const texts = ['{"a":1,"b":[1.50,{"c":"x"}]}', '{ "b" : [15e-1, {"c":"\\u0078"}], "a": 1.0 }', '{"a":10e-1,"b":[1.5,{"c":"x"}]}'];
    expect(new Set(texts.map((text) => identity(text))).size).toBe(1);
  });

  test('a credential of the client is a part of it', () => {
    const texts = [{}, { credential: 'x' }, { credential: 'y' }, { agent: undefined, credential: 'x' }, { agent: '["a","x"]' }];
    expect(new Set(texts.map((more) => identity('{}', more))).size).toBe(texts.length);
  });

  test('what differs differs', () => {
    const texts = [
      '{}',
      '{"a":1}',
      '{"a":"1"}',
      '{"a":null}',
      '{"a":[1]}',
      '{"a":{"b":1}}',
      '{"a":1.0000000000000000001}',
      '{"a":9007199254740993}',
      '{"a":9007199254740992}',
      '{"A":1}',
      '{"a":true}',
      '{"a":"true"}',
    ];
    expect(new Set(texts.map((text) => identity(text))).size).toBe(texts.length);
  });

  test('every part counts, and none can be taken for another', () => {
    const all = [
      identity('{}'),
      identity('{}', { namespace: 'm' }),
      identity('{}', { upstream: 'v' }),
      identity('{}', { agent: 'b' }),
      identity('{}', { agent: undefined }),
      identity('{}', { agent: 'null' }),
      identity('{}', { tool: 's' }),
      identity('{}', { namespace: 'n","u', upstream: '' }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test('two values have one text exactly where they are equal', () => {
    const value = fc.jsonValue({ maxDepth: 3 }).map((plain) => json(JSON.stringify(plain)));
    fc.assert(
      fc.property(value, value, (a, b) => (canonicalText(a) === canonicalText(b)) === equalJson(a, b)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(value, (a) => equalJson(json(canonicalText(a)), a)),
      { numRuns: 300 },
    );
  });
});
