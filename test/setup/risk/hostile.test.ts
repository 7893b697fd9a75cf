/** INVARIANT I11: whatever a server lists, its classes come at once, and doubt is never Read. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Json } from '../../../src/core/json.ts';
import { fromPlain } from '../../../src/mcp/json/values.ts';
import { classifyTools, RISKS, type ScannedTool } from '../../../src/setup/risk/risk.ts';

describe('hostile lists', () => {
  test('a description of 5 MB is read to a bound, and the rest is doubt', () => {
    const description = `Get a thing. ${'and delete it, '.repeat(350_000)}`;
    expect(classifyTools([{ name: 'get_thing', description: 'a '.repeat(2_500_000) }])).toMatchObject([{ risk: 'Write', unsure: true }]);
    expect(classifyTools([{ name: 'get_thing', description }])).toMatchObject([{ unsure: true }]);
  });

  test('10,000 tools, and names of 1 MB', () => {
    const tools = Array.from({ length: 10_000 }, (_, at) => ({ name: `acme_get_thing_${at}`, description: 'Get a thing.' }));
    expect(classifyTools(tools).every(({ risk }) => risk === 'Read')).toBe(true);
    expect(classifyTools([{ name: 'get_'.repeat(250_000) }, { name: '_-./'.repeat(250_000) }])).toMatchObject([
      { risk: 'Write', unsure: true },
      { unsure: true },
    ]);
    expect(classifyTools([{ name: `get_${'x_'.repeat(300)}and_delete` }])).toMatchObject([{ risk: 'Write', unsure: true }]);
  });

  test('an action of more values than are read, or of any text in one branch, is doubt', () => {
    const values = [...Array.from({ length: 250 }, (_, at) => `get_thing_${at}`), 'delete_all'];
    const schemas = [{ enum: values }, { anyOf: [{ enum: ['list', 'get'] }, { type: 'string' }] }];
    for (const action of schemas)
      expect(classifyTools([{ name: 'things', inputSchema: fromPlain({ properties: { action } }) }])).toMatchObject([
        { risk: 'Write', unsure: true },
      ]);
  });

  test('a schema of 10,000 levels, of 10,000 arguments, of a circle', () => {
    let deep: Json = new Map([['type', 'string']]);
    for (let level = 0; level < 10_000; level++) deep = new Map<string, Json>([['properties', new Map([['next', deep]])]]);
    const names = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`a${at}`, { type: 'string' }]));
    const circle = {
      $ref: '#/$defs/Node',
      $defs: { Node: { properties: { child: { $ref: '#/$defs/Node' }, amount: { type: 'number' } } } },
    };
    const fork = { anyOf: [{ $ref: '#' }, { $ref: '#' }], properties: { a: { $ref: '#' } } };
    const risks = [deep, fromPlain({ properties: names }), fromPlain(circle), fromPlain(fork)].map(
      (inputSchema) => classifyTools([{ name: 'get_thing', inputSchema }])[0],
    );
    expect(risks.map((found) => [found?.risk, found?.unsure])).toEqual([
      ['Write', true],
      ['Write', true],
      ['Read', false],
      ['Read', false],
    ]);
  });

  test('a branch that multiplies is read to a bound', () => {
    const grow = (level: number): unknown => (level === 0 ? {} : { anyOf: Array.from({ length: 6 }, () => grow(level - 1)) });
    expect(classifyTools([{ name: 'get_thing', inputSchema: fromPlain(grow(6)) }])).toMatchObject([{ risk: 'Write', unsure: true }]);
  });
});

const WORD = fc.constantFrom(
  'get',
  'list',
  'delete',
  'send',
  'run',
  'pay',
  'order',
  'page',
  'user',
  'sql',
  'update',
  'status',
  'x',
  'İ',
  '删除',
);
const NAME = fc.array(WORD, { maxLength: 5 }).map((words) => words.join('_'));
const HINTS = fc.record({ readOnlyHint: fc.boolean(), destructiveHint: fc.boolean() }, { requiredKeys: [] });
const TOOL: fc.Arbitrary<ScannedTool> = fc.record({
  name: fc.oneof(NAME, fc.string()),
  description: fc.oneof(
    fc.array(WORD).map((words) => words.join(' ')),
    fc.string(),
  ),
  inputSchema: fc.jsonValue().map(fromPlain),
  annotations: fc.oneof(HINTS, fc.jsonValue()).map(fromPlain),
});

describe('any list', () => {
  test('is classed in its order, the same each time, with the evidence of the class first', () => {
    fc.assert(
      fc.property(fc.array(TOOL, { maxLength: 6 }), (tools) => {
        const found = classifyTools(tools);
        expect(found).toHaveLength(tools.length);
        expect(classifyTools(tools)).toEqual(found);
        for (const { risk, evidence, unsure } of found) {
          if (evidence.length === 0) expect([risk, unsure]).toEqual(['Write', true]);
          else if (!unsure) expect(evidence[0]?.risk).toBe(risk);
        }
      }),
    );
  });

  test('a hint that a tool only reads never lowers the class that its name gives it', () => {
    fc.assert(
      fc.property(fc.array(WORD, { minLength: 1, maxLength: 5 }), HINTS, (words, hints) => {
        const name = words.join('_');
        const bare = classifyTools([{ name }])[0];
        const hinted = classifyTools([{ name, annotations: fromPlain(hints) }])[0];
        if (!bare || !hinted) throw new Error('no class');
        if (bare.evidence.length > 0) expect(RISKS.indexOf(hinted.risk)).toBeGreaterThanOrEqual(RISKS.indexOf(bare.risk));
      }),
    );
  });
});
