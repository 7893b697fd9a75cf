import { expect, test } from 'bun:test';
import type { Json } from '../../src/core/json.ts';
import { toJson } from '../../src/policy/format/tree.ts';
import { parseYaml } from '../../src/policy/format/yaml.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { openPositions, openReport } from '../../src/policy/report.ts';
import { checkAgainstServer } from '../../src/policy/server.ts';

const TOOLS = `
create_refund: {type: object, properties: {amount: {type: number}, currency: {type: string}, items: {type: array, items: {type: object, properties: {price: {type: number}}}}}}
list_refunds: {type: object, properties: {limit: {type: integer}}}
free: {type: object, properties: {a: {}}, additionalProperties: true}
unsaid:
call_any: {type: object, properties: {tool_name: {type: string}, arguments: {type: object}}}
`;

function schemaOf(text: string): Json {
  const node = parseYaml(text, openReport(openPositions(text)));
  return node ? toJson(node) : null;
}

const tools = [...(schemaOf(TOOLS) as ReadonlyMap<string, Json>)].map(([name, schema]) => ({ name, inputSchema: schema ?? undefined }));

async function find(policy: string): Promise<readonly string[]> {
  const loaded = await loadPolicyText(`version: 1\n${policy}`);
  if (!loaded.policy) throw new Error(loaded.diagnostics.map(({ message }) => message).join('\n'));
  return checkAgainstServer(loaded.policy, tools, loaded.placeOf).map(
    ({ position, code, message, help }) => `${position.line}:${position.column} ${code}: ${message} | ${help}`,
  );
}

const HIDE = 'hide: [call_any]\n';

test.each([
  [
    'a misspelt tool',
    'tools:\n  create_refunds: []\n',
    ['4:3 unknown-tool: the server has no tool "create_refunds" (tools) | did you mean "create_refund"?'],
  ],
  [
    'a glob that matches none',
    'tools:\n  "delete_*": []\n',
    ['4:3 unknown-tool: no tool of the server matches "delete_*" (tools) | undefined'],
  ],
  [
    'a misspelt argument',
    'tools:\n  create_refund:\n    - conditions: [{path: args.ammount, op: lte, value: 5}]\n',
    ['5:27 unknown-argument: the schema of "create_refund" has no "args.ammount" | did you mean "args.amount"?'],
  ],
  [
    'nested arguments',
    'tools:\n  create_refund:\n    - conditions: [{path: "args.items[*].cost", op: lte, value: 5}, {path: "args.items[0].price", op: lte, value: 5}]\n',
    ['5:27 unknown-argument: the schema of "create_refund" has no "args.items[*].cost" | undefined'],
  ],
  [
    'arguments of when, arguments, state and spend; each once',
    'tools:\n  list_refunds:\n    - {when: [{path: args.b, op: eq, value: 1}, {path: args.b, op: neq, value: 2}], arguments: {c: true}, state: {counter: n, window: day, increment_from: args.d}, spend: {daily: 5, from: args.e}}\n',
    [
      ['b', 22],
      ['c', 97],
      ['d', 156],
      ['e', 189],
    ].map(([name, column]) => `5:${column} unknown-argument: the schema of "list_refunds" has no "args.${name}" | undefined`),
  ],
  ['an argument that one tool of a glob has', 'tools:\n  "*_refund*":\n    - conditions: [{path: args.limit, op: lte, value: 5}]\n', []],
  ['a schema that is open, or not known', 'tools:\n  free: [{arguments: {b: true}}]\n  unsaid: [{arguments: {b: true}}]\n', []],
  ['every tool', 'tools:\n  "*": [{conditions: [{path: args.zzz, op: exists, value: false}]}]\n', []],
  [
    'a price in any currency',
    'tools:\n  create_refund:\n    - spend: {daily: 5, from: args.amount}\n',
    [
      '5:7 currency-not-pinned: "args.currency" of "create_refund" may be another currency than usd | add {path: args.currency, op: in, value: [usd]}',
    ],
  ],
  [
    'a pinned currency',
    'tools:\n  create_refund:\n    - {spend: {daily: 5, from: args.amount}, conditions: [{path: args.currency, op: in, value: [usd]}]}\n',
    [],
  ],
  [
    'a currency that arguments pin',
    'tools:\n  create_refund:\n    - {spend: {daily: 5, from: args.amount}, arguments: {currency: {enum: [usd]}}}\n',
    [],
  ],
] as const)('policy.md §14: %s', async (_name, policy, finds) => {
  expect(await find(HIDE + policy)).toEqual([...finds]);
});

test('hidden names that the server does not have', async () => {
  expect(await find('hide: [call_any, free, fre, "x_*", "*"]\n')).toEqual([
    '1:1 unknown-tool: the server has no tool "fre" (hide) | did you mean "free"?',
    '1:1 unknown-tool: no tool of the server matches "x_*" (hide) | undefined',
  ]);
});

const TAKES =
  'takes-tool-name: "call_any" takes the name of a tool: what it calls is not seen by that tool\'s own rules | hide it, deny it, or list the names it may take';
test.each([
  ['reachable by default', '', [`1:1 ${TAKES}`]],
  ['listed', 'default: deny\ntools: {call_any: []}\n', [`3:9 ${TAKES}`]],
  ['not listed under default deny', 'default: deny\n', []],
  ['denied', 'tools: {call_any: [{action: deny}]}\n', []],
  ['pinned', 'tools: {call_any: [{conditions: [{path: args.tool_name, op: in, value: [free]}]}]}\n', []],
] as const)('a tool that takes a tool name: %s', async (_name, policy, finds) => {
  expect(await find(policy)).toEqual([...finds]);
});
