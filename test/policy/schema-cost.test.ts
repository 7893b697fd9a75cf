/**
 * house.md I11: work is linear in what comes, and ends. Each reader of a schema is fed n and 4 n of its worst known input;
 * counted is processor time, the least of several runs, with room for a loaded machine.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import type { Json } from '../../src/core/json.ts';
import { readJson } from '../../src/mcp/json/values.ts';
import { patternSize } from '../../src/policy/schema/pattern-size.ts';
import { loadRegexCompiler, type RegexCompiler } from '../../src/policy/schema/regex.ts';
import { loadSchemas, type SchemaCompiler } from '../../src/policy/schema/schema.ts';

let compile: SchemaCompiler;
let regex: RegexCompiler;
beforeAll(async () => {
  compile = await loadSchemas();
  regex = await loadRegexCompiler();
});

/** ms of processor time, the least of a few runs. */
function costOf(work: () => unknown): number {
  const runs = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  });
  return Math.min(...runs);
}

const list = (count: number, item: (index: number) => string) => Array.from({ length: count }, (_, index) => item(index)).join();
const map = (count: number, member: (index: number) => string) => `{${list(count, (index) => `"k${index}":${member(index)}`)}}`;

/** `size` is at home in 256 KiB when it is multiplied by 4. */
const SCHEMAS: readonly (readonly [string, (size: number) => string])[] = [
  ['properties', (n) => `{"properties":${map(n, () => '{"type":"string","maxLength":5}')}}`],
  ['enums', (n) => `{"anyOf":[${list(n, (i) => `{"enum":["${i}"]}`)}]}`],
  ['required', (n) => `{"required":[${list(n, (i) => `"p${i}"`)}]}`],
  ['dependentRequired', (n) => `{"dependentRequired":${map(n, () => '["b"]')}}`],
  ['references', (n) => `{"$defs":${map(n, () => '{"type":"null"}')},"allOf":[${list(n, (i) => `{"$ref":"#/$defs/k${i}"}`)}]}`],
  ['anchors', (n) => `{"$defs":${map(n, () => '{"$id":"#x"}')}}`],
  ['ids', (n) => `{"$defs":${map(n, () => '{"$id":"https://example.com/x"}')}}`],
  [
    'property names',
    (n) =>
      `{"$defs":{"n":{"anyOf":[${list(n, (i) => `{"const":"${i}"}`)}]}},"allOf":[${list(n, () => '{"propertyNames":{"$ref":"#/$defs/n"}}')}]}`,
  ],
  ['unknown keywords', (n) => map(n, () => '1')],
  ['faults', (n) => `{"properties":${map(n, () => '{"type":"text"}')}}`],
  ['patterns', (n) => `{"allOf":[${list(n, (i) => `{"pattern":"a${i}[b-d]?"}`)}]}`],
  ['patterns that repeat', (n) => `{"patternProperties":{${list(n, (i) => `"(?:x?){300}N${i}":true`)}}}`],
  ['unicode classes', (n) => `{"allOf":[${list(n, (i) => `{"pattern":"\\\\pL{1000}${i}"}`)}]}`],
  ['patterns of blanks', (n) => `{"patternProperties":{${list(n, (i) => `"^\\\\S${i}":true`)}}}`],
  ['empty schemas', (n) => `{"allOf":[${list(35 * n, () => '{}')}]}`],
  ['names that grow', (n) => `{"properties":{${list(n, (i) => `"${'\ufdfa'.repeat(100)}${i}":true`)}}}`],
  ['ranges without case', (n) => `{"allOf":[${list(n, (i) => `{"pattern":"(?i)[a-z\\\\x{100}-\\\\x{20000}]${i}"}`)}]}`],
];

describe('compiling four times as much costs at most six times as much', () => {
  test.each(SCHEMAS)('%s', (_, schemaOf) => {
    const [small, large] = [readJson(schemaOf(400)), readJson(schemaOf(1_600))];
    const [one, four] = [costOf(() => compile(small)), costOf(() => compile(large))];
    expect(four).toBeLessThan(6 * Math.max(one, 15));
    expect(four).toBeLessThan(400);
  });
});

const DOUBLING = `{"$defs":{${list(40, (i) => `"l${i}":{"allOf":[{"$ref":"#/$defs/l${i + 1}"},{"$ref":"#/$defs/l${i + 1}"}]}`)},"l40":LEAF},"$ref":"#/$defs/l0"}`;
const doubled = (leaf: string) => DOUBLING.replace('LEAF', leaf);
const objects = (n: number) => `[${list(n, (i) => `{"n":${i}}`)}]`;
const text = (n: number) => JSON.stringify('ab '.repeat(n));

const CHECKS: readonly (readonly [string, string, (size: number) => string])[] = [
  ['uniqueItems behind 40 doublings', doubled('{"uniqueItems":true}'), objects],
  ['enum of objects behind 40 doublings', doubled(`{"not":{"enum":${objects(50)}}}`), objects],
  ['a pattern behind 40 doublings', doubled('{"pattern":"^(?:a|b| )*$"}'), text],
  ['keys behind 40 doublings', doubled('{"properties":{"amount":true}}'), (n) => map(n, () => '1')],
  ['key patterns behind 40 doublings', doubled('{"patternProperties":{"^(?:a|b)+$":true}}'), (n) => map(n, () => '1')],
  ['a length behind 40 doublings', doubled('{"maxLength":100000}'), text],
  ['a list behind 40 doublings', doubled('{"items":true}'), (n) => `[${list(n, () => '1')}]`],
  ['uniqueItems', '{"uniqueItems":true}', objects],
  ['a list', '{"items":{"properties":{"n":{"minimum":0}}}}', objects],
  ['a list in the list', '{"items":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}', (n) => `[${list(n, () => '[[[]]]')}]`],
  ['many patterns', `{"allOf":[${list(500, (i) => `{"pattern":"(a|b| )*${i}?"}`)}]}`, text],
  ['contains', '{"contains":{"const":{"n":-1}}}', objects],
  ['long keys', '{"properties":{"amount":true}}', (n) => map(n, () => '1').replaceAll('"k', `"${'\u00ad'.repeat(50)}k`)],
  ['digits behind 40 doublings', doubled('{"type":"integer","not":{"const":1}}'), (n) => '1'.repeat(10 * n)],
  ['an exponent behind 40 doublings', doubled('{"multipleOf":1}'), (n) => `1e${1_500 + (n % 7)}`],
  ['multiples behind 40 doublings', doubled(`{"multipleOf":${'3'.repeat(399)}}`), () => '3'.repeat(399 * 4)],
  ['an enum of wide objects', `{"items":{"not":{"enum":[${list(10, () => map(2_000, () => '1'))}]}}}`, (n) => `[${list(n, () => '{}')}]`],
  ['keys that are not ASCII', '{"properties":{"amount":true}}', (n) => map(n, () => '1').replaceAll('"k', '"\u0130\ufb03')],
  ['such keys behind 40 doublings', doubled('{"properties":{"amount":true}}'), (n) => map(n, () => '1').replaceAll('"k', '"\u0130\ufb03')],
  ['a key of marks', '{"properties":{"amount":true}}', (n) => `{"a${'\u0301\u0316'.repeat(n)}":1}`],
  ['a key that grows', '{"properties":{"amount":true}}', (n) => `{"${'\ufdfa'.repeat(10 * n)}":1}`],
  ['misfits', '{"items":{"anyOf":[{"minimum":1},{"minimum":2},true]}}', (n) => `[${list(10 * n, () => '0')}]`],
  ['digits', '{"multipleOf":7}', (n) => '1'.repeat(n)],
];

describe('checking four times as much costs at most six times as much, and ends', () => {
  test.each(CHECKS)('%s', (_, schema, textOf) => {
    const { check } = compile(readJson(schema));
    const [small, large]: readonly Json[] = [readJson(textOf(4_000)), readJson(textOf(16_000))];
    const [one, four] = [costOf(() => check(small ?? null)), costOf(() => check(large ?? null))];
    expect(four).toBeLessThan(6 * Math.max(one, 15));
    expect(four).toBeLessThan(400);
  });
});

describe('the size of a pattern is known before it is compiled', () => {
  test.each([
    ['abc', 3],
    ['a{1000}', 1_000],
    ['(?:a{100}){100}', 10_000],
    ['((a{10}){10}){100}', 10_000],
    ['a{1000}b{1000}', 2_000],
    ['(?:x?){1000}', 2_000],
    ['a{2,}{500}', 1_000],
    ['[a-z]{1000}', 1_000],
    ['(?:ab|cd){500}', 2_000],
    ['\\x{61}{1000}', 1_000],
  ])('%s has at least %d', (pattern, least) => {
    expect(patternSize(pattern)).toBeGreaterThanOrEqual(least);
  });

  test.each([
    '\\pL'.repeat(70),
    '(?i)[a-\\x{20000}]',
    '(?:x?){1000}'.repeat(5),
    'a{1000}'.repeat(11),
    '(?i)[\\x{0}-\\x{20000}]',
    '[\\pL\\pN]'.repeat(40),
  ])('%s is refused', (pattern) => {
    expect(regex(pattern)).toEqual({ ok: false, why: 'its repeats ask for more than 10000 steps' });
  });

  test.each([
    '^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}$',
    '^[\\p{L}\\p{N}_ -]{1,255}$',
    '^.{1,900}$',
    '(?i)^[a-zà-ÿ]+$',
    '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  ])('%s is not', (pattern) => {
    expect(regex(pattern)).toMatchObject({ ok: true });
  });
});
