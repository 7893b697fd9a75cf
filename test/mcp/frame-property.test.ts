import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { disagreement, fuzz } from '../../bench/fuzz-scanner.ts';
import { readClientFrame } from '../../src/mcp/messages/client.ts';

// Thousands of messages, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const encoder = new TextEncoder();

/** Keys that matter, keys that look like them, and spellings of both. */
const key = fc.constantFrom(
  'name',
  'arguments',
  'method',
  'params',
  'id',
  'jsonrpc',
  'result',
  '_meta',
  'a',
  '__proto__',
  'Name',
  'param\u017f',
  '\u0131d',
  'id\0',
  'task',
);
const spelled = key.chain((text) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((escapes) => `"${[...text].map((unit, index) => spell(unit, escapes[index])).join('')}"`),
);

function spell(unit: string, escaped: boolean | undefined): string {
  return escaped || unit < ' ' ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : unit;
}

const scalar = fc.constantFrom(
  '1',
  '-0',
  '1.0',
  '1e400',
  'null',
  'true',
  '"x"',
  '"2.0"',
  '"tools/call"',
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  '"é"',
);
const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    tie('object'),
  ),
  object: fc.array(fc.tuple(spelled, tie('value')), { maxLength: 3 }).map((pairs) => `{${pairs.map((pair) => pair.join(':')).join(' ,')}}`),
}));

const params = fc
  .array(fc.tuple(spelled, value), { maxLength: 4 })
  .map((pairs) => `{"name":"x"${pairs.map((pair) => `,${pair.join(':')}`).join('')}}`);
const message = fc
  .tuple(fc.array(fc.tuple(spelled, value), { maxLength: 2 }), fc.oneof(params, value), fc.boolean())
  .map(([extra, body, first]) => {
    const own = `"jsonrpc":"2.0","id":1,"method":"tools/call","params":${body}`;
    const more = extra.map((pair) => pair.join(':'));
    return `{${(first ? [...more, own] : [own, ...more]).join(',')}}`;
  });

describe('I7: what is accepted reads alike in every parser', () => {
  test('messages of keys that matter, in all spellings', () => {
    let accepted = 0;
    fc.assert(
      fc.property(message, (text) => {
        const bytes = encoder.encode(text);
        expect(disagreement(bytes)).toBeUndefined();
        if (readClientFrame(bytes, { maxDepth: 256, maxName: 1024 }).kind !== 'refused') accepted++;
      }),
      { numRuns: 3000 },
    );
    // A generator that makes refused frames only would prove nothing.
    expect(accepted).toBeGreaterThan(100);
  });

  test('100,000 mutated frames: JSON.parse, the oracle and the lax reader agree', () => {
    const report = fuzz(100_000, 20_260_728);
    expect(report.failure).toBeUndefined();
    expect(report.accepted).toBeGreaterThan(10_000);
    expect([...report.refused.keys()].sort()).toEqual(
      expect.arrayContaining([
        'control_character',
        'duplicate_key',
        'encoding',
        'lone_surrogate',
        'look_alike_key',
        'not_json_rpc',
        'syntax',
      ]),
    );
  }, 60_000);
});
