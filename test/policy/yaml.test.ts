import { describe, expect, test } from 'bun:test';
import { toJson } from '../../src/policy/format/tree.ts';
import { parseYaml } from '../../src/policy/format/yaml.ts';
import { openPositions, openReport } from '../../src/policy/report.ts';

function read(text: string): unknown {
  const report = openReport(openPositions(text));
  const node = parseYaml(text, report);
  return report.hasErrors() || !node ? report.all().map(({ code }) => code) : toJson(node);
}

describe('policy.md §4: numbers keep their text', () => {
  test.each([
    ['9007199254740993', '9007199254740993'],
    ['0.10', '0.10'],
    ['500.00', '500.00'],
    ['+5', '5'],
    ['-5', '-5'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['5.', '5'],
    ['1e3', '1e3'],
    ['1.E+3', '1E+3'],
  ])('%s', (text, number) => {
    expect(read(text)).toEqual({ number });
  });

  test.each(['0x10', '0o17', '0b1', '010', '-01', '1_000', '1_0.5', '.inf', '-.Inf', '.NaN', '+.INF'])('%s is refused', (text) => {
    expect(read(text)).toEqual(['yaml-number']);
  });

  test.each(['"1_000"', "'010'", '10m', '1.2.3', '2026-03-01', '0x', 'e5', '1e', 'yes', 'no', 'on', 'y'])('%s is text', (text) => {
    expect(typeof read(text)).toBe('string');
  });
});

describe('YAML 1.2 core', () => {
  test.each([
    ['true', true],
    ['False', false],
    ['~', null],
    ['', null],
    ['null', null],
    ['"null"', 'null'],
    ['| \n  a\n  b\n', 'a\nb\n'],
  ])('%j', (text, value) => {
    expect(read(text)).toEqual(value);
  });

  test('`__proto__` is a key like any other', () => {
    expect(read('__proto__: {constructor: a}')).toEqual(new Map([['__proto__', new Map([['constructor', 'a']])]]));
  });

  test('anchors and aliases', () => {
    expect(read('a: &x [1]\nb: *x\n')).toEqual(
      new Map([
        ['a', [{ number: '1' }]],
        ['b', [{ number: '1' }]],
      ]),
    );
  });

  test.each([
    ['a: 1\na: 2', 'duplicate-key'],
    ['"a": 1\na: 2', 'duplicate-key'],
    ['? ~\n: 1', undefined],
    ['a: *b', 'yaml-alias'],
    ['a: &a {b: *a}', 'yaml-alias'],
    ['a\n---\nb', 'yaml-documents'],
    ['! a', 'yaml-tag'],
    ['a: !!binary aGk=', 'yaml-tag'],
    ['%YAML 1.1\n---\na', 'yaml-syntax'],
    ['? {a: b}\n: c', 'yaml-key'],
    ['<<: {a: b}', 'yaml-key'],
    [': a', 'yaml-key'],
  ])('%j', (text, code) => {
    const found = read(text);
    if (code === undefined) expect(found).toBeInstanceOf(Map);
    else expect(found).toEqual([code]);
  });
});

test('positions count lines by LF, CR LF and CR, and columns from 1', () => {
  const positionOf = openPositions('ab\ncd\r\nef\rgh');
  expect([0, 1, 3, 7, 10, 11].map(positionOf)).toEqual([
    { line: 1, column: 1 },
    { line: 1, column: 2 },
    { line: 2, column: 1 },
    { line: 3, column: 1 },
    { line: 4, column: 1 },
    { line: 4, column: 2 },
  ]);
});
