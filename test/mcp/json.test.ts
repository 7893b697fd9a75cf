import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { isObject, type Json } from '../../src/core/json.ts';
import { fromPlain, readJson, renderJson, toPlain } from '../../src/mcp/json/values.ts';

describe('readJson', () => {
  test.each([
    ['9007199254740993', { number: '9007199254740993' }],
    ['1e400', { number: '1e400' }],
    ['-0.10', { number: '-0.10' }],
    ['"\\u00e9\\n\\"\\\\"', 'é\n"\\'],
    ['[ ]', []],
    [' [ 1 , [ true , false , null ] ] ', [{ number: '1' }, [true, false, null]]],
    ['{ }', new Map()],
    [
      '{ "a" : { "b" : [ ] } , "c" : "" }',
      new Map<string, Json>([
        ['a', new Map([['b', []]])],
        ['c', ''],
      ]),
    ],
    ['{"a":1,"a":2}', new Map([['a', { number: '2' }]])],
  ])('%s', (text, value) => {
    expect(readJson(text)).toEqual(value as Json);
  });

  test('begins where it is told to', () => {
    expect(readJson('{"x":[1,2],"y":3}', 5)).toEqual([{ number: '1' }, { number: '2' }]);
  });

  test('§2.14: __proto__, constructor and toString are ordinary keys', () => {
    const value = readJson('{"__proto__":{"x":1},"constructor":2,"toString":3}');
    expect(isObject(value) && [...value.keys()]).toEqual(['__proto__', 'constructor', 'toString']);
    expect(Object.keys(toPlain(value) as object)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test('a text that is cut off is a fault, not a loop', () => {
    expect(() => readJson('"abc')).toThrow('does not end');
    expect(() => readJson('[1,')).toThrow('no JSON value');
  });
});

test('renderJson after readJson keeps values and the text of numbers', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
      const value = readJson(JSON.stringify(JSON.parse(text), null, space));
      expect(JSON.parse(renderJson(value))).toEqual(JSON.parse(text));
      expect(renderJson(readJson(renderJson(value)))).toBe(renderJson(value));
    }),
  );
});

test('numbers are written as they were read', () => {
  const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?$/);
  fc.assert(
    fc.property(fc.array(digits), (numbers) => expect(renderJson(readJson(`[${numbers.join(' , ')}]`))).toBe(`[${numbers.join(',')}]`)),
  );
});

describe('plain values', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const expected = JSON.parse(JSON.stringify(value));
        expect(toPlain(fromPlain(value))).toEqual(expected);
        expect(JSON.parse(renderJson(fromPlain(value)))).toEqual(expected);
      }),
    );
  });

  test('numbers get their shortest text, big integers all their digits', () => {
    expect(fromPlain([0.1, 1e21, -0, 10n ** 20n])).toEqual([
      { number: '0.1' },
      { number: '1e+21' },
      { number: '0' },
      { number: `1${'0'.repeat(20)}` },
    ]);
  });

  test('undefined members are left out', () => {
    expect(renderJson(fromPlain({ a: undefined, b: [undefined] }))).toBe('{"b":[null]}');
  });

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [() => 1], [Symbol('x')]])('%p is no JSON', (value) => {
    expect(() => fromPlain({ deep: [value] })).toThrow(TypeError);
  });
});
