/** The headers of 2026-07-28 (wire.md §2.10): written from the body, and checked against it. */
import { describe, expect, test } from 'bun:test';
import { fromPlain } from '../../src/mcp/json/values.ts';
import { readClientFrame } from '../../src/mcp/messages/client.ts';
import { checkHeaders, decodeHeader, encodeHeader, hasRepeating, headersFor } from '../../src/mcp/messages/headers.ts';
import { paramHeaders } from '../../src/mcp/messages/param-headers.ts';

const META = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
const SCHEMA = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry-Run' },
    deep: { type: 'object', properties: { tenant: { type: 'string', 'x-mcp-header': 'Tenant' } } },
    plain: { type: 'string' },
  },
};

const read = (message: unknown) =>
  readClientFrame(new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify(message)), {
    maxDepth: 256,
    maxName: 1024,
    anySpace: true,
  });
const schemaOf = (tool: string) => (tool === 'deploy' ? fromPlain(SCHEMA) : undefined);
const call = (args: unknown, name = 'deploy') => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args, _meta: META },
});
const values = (headers: Record<string, string | string[]>) => (name: string) =>
  Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? value : []));
/** With and without the look at which headers there are, which must not decide. */
const check = (message: unknown, headers: Record<string, string | string[]>) => {
  const fault = checkHeaders(read(message), values(headers), schemaOf);
  const raw = Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
  expect(checkHeaders(read(message), values(headers), schemaOf, hasRepeating(raw))).toEqual(fault);
  return fault;
};
const write = (message: unknown) => {
  const frame = read(message);
  if (frame.kind === 'batch' || frame.kind === 'refused') throw new Error(frame.kind);
  return headersFor({ message: frame }, schemaOf);
};
const STANDARD = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'deploy' };

describe('SECURITY: an argument of which another one is a look-alike', () => {
  test.each([
    ['another case', { region: 'eu', Region: 'us' }],
    ['that alone', { Region: 'us' }],
    ['what cannot be seen', { region: 'eu', 're\u00adgion': 'us' }],
    ['above it', { deep: { tenant: 'a' }, Deep: { tenant: 'b' } }],
  ])('is repeated by no header, and fits none: %s', (_how, args) => {
    const headers = { 'Mcp-Param-Region': 'eu', 'Mcp-Param-Tenant': 'a' };
    expect(check(call(args), { ...STANDARD, ...headers })?.code).toBe(-32020);
    expect(Object.keys(write(call(args)))).toEqual(Object.keys(STANDARD));
  });
  test('of an argument that no header repeats, it is the policy’s matter', () => {
    expect(check(call({ plain: 'a', Plain: 'b' }), STANDARD)).toBeUndefined();
  });
});

describe('written from the body', () => {
  test('version, method, name, and the arguments that the schema names, at any depth', () => {
    expect(write(call({ region: 'eu-west-1', count: 3, dry: false, deep: { tenant: 'acme' }, plain: 'x' }))).toEqual({
      ...STANDARD,
      'Mcp-Param-Region': 'eu-west-1',
      'Mcp-Param-Count': '3',
      'Mcp-Param-Dry-Run': 'false',
      'Mcp-Param-Tenant': 'acme',
    });
  });
  test.each([
    ['tasks/get', { taskId: 't 1' }, 't 1'],
    ['tasks/update', { taskId: 't' }, 't'],
    ['resources/read', { uri: 'file:///ä' }, '=?base64?ZmlsZTovLy/DpA==?='],
    ['prompts/get', { name: '' }, '=?base64??='],
    ['tools/list', { name: 'x' }, undefined],
    ['constructor', { name: 'x' }, undefined],
  ])('Mcp-Name of %s', (method, params, name) => {
    expect(write({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } })['Mcp-Name']).toBe(name as string);
  });
  test('nothing for what has no value, or none that a header can carry', () => {
    expect(write(call({ region: null, count: [1], deep: 7 }))).toEqual(STANDARD);
    expect(
      write(
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"deploy","arguments":{"count":9007199254740993},"_meta":${JSON.stringify(META)}}}`,
      ),
    ).toEqual(STANDARD);
  });
  test('nothing for a message of the legacy era', () => {
    expect(write({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'deploy' } })).toEqual({});
    expect(write({ jsonrpc: '2.0', id: 1, result: {} })).toEqual({});
  });
  test('no value can break out of its header, and each reads back', () => {
    for (const text of ['a\r\nX: y', '', ' a', 'a ', 'a\tb', '=?base64?YQ==?=', '\u{1f600}', 'é', '\0', 'x'.repeat(3000), '=?base64?'])
      expect([/^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/.test(encodeHeader(text)), decodeHeader(encodeHeader(text))]).toEqual([
        true,
        text,
      ]);
  });
});

describe('checked against the body', () => {
  const args = { region: 'ä', count: 42, dry: true };
  const good = { ...STANDARD, 'Mcp-Param-Region': encodeHeader('ä'), 'Mcp-Param-Count': '42', 'Mcp-Param-Dry-Run': 'true' };
  test('what is written passes, in any case and with white space around', () => {
    expect(check(call(args), write(call(args)))).toBeUndefined();
    const shouted = Object.fromEntries(Object.entries(good).map(([name, value]) => [name.toUpperCase(), ` ${value}\t`]));
    expect(check(call(args), shouted)).toBeUndefined();
  });
  test.each(Object.keys(good))('%s: missing, repeated, different', (header) => {
    const { [header]: value = '', ...others } = good as Record<string, string>;
    const faults = [others, { ...good, [header]: [value, value] }, { ...good, [header]: 'other' }, { ...good, [header]: '' }].map(
      (headers) => check(call(args), headers)?.code,
    );
    expect(faults).toEqual([-32020, -32020, -32020, -32020]);
  });
  test.each([
    ['42.0', true],
    ['042', true],
    ['42.000', true],
    ['4.2e1', false],
    ['+42', false],
    ['0x2a', false],
    ['42.0000000000000001', false],
    ['43', false],
  ])('numbers are compared as numbers: %s', (value, passes) => {
    expect(check(call(args), { ...good, 'Mcp-Param-Count': value }) === undefined).toBe(passes);
  });
  test.each(['=?base64?****?=', '=?base64?w6?=', '=?base64?/w==?=', '=?base64?YQ?=', '=?BASE64?w6Q=?='])(
    '%s is no sentinel of this value',
    (value) => {
      expect(check(call(args), { ...good, 'Mcp-Param-Region': value })?.code).toBe(-32020);
    },
  );
  test('only spaces and tabs around a value are not part of it, and many of them cost little', () => {
    const spaced = (name: string) => check(call({}), { ...STANDARD, 'Mcp-Name': name })?.code;
    expect([spaced(' \tdeploy\t '), spaced('deploy\u00a0'), spaced('\u00a0deploy'), spaced('deploy\v')]).toEqual([
      undefined,
      -32020,
      -32020,
      -32020,
    ]);
    const began = process.cpuUsage();
    for (let n = 0; n < 20; n++) decodeHeader(`a${' '.repeat(100_000)}b`);
    // Quadratic, it would be minutes.
    expect(process.cpuUsage(began).user).toBeLessThan(5_000_000);
  });
  test('an argument that is null or absent, or whose schema is not known, has nothing to compare', () => {
    expect(check(call({ region: null }), { ...STANDARD, 'Mcp-Param-Region': 'x' })).toBeUndefined();
    expect(check(call(args, 'other'), { ...STANDARD, 'Mcp-Name': 'other', 'Mcp-Param-Region': 'x' })).toBeUndefined();
  });
  test('a body without a version needs none, but what is said of it must be true', () => {
    const legacy = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'deploy' } };
    expect(check(legacy, { 'MCP-Protocol-Version': '2025-11-25' })).toBeUndefined();
    expect(check(legacy, { 'Mcp-Method': 'tools/list' })?.code).toBe(-32020);
    expect(check(legacy, { 'Mcp-Name': 'harmless' })?.code).toBe(-32020);
    expect(check([legacy], { 'Mcp-Method': 'tools/list' })?.code).toBe(-32020);
    expect(check([legacy], {})).toBeUndefined();
    expect(check({ jsonrpc: '2.0', id: 1, result: {} }, { 'Mcp-Method': 'tools/call' })?.code).toBe(-32020);
  });
  test('a version that is not known is compared, too', () => {
    const old = { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '1900-01-01' } } };
    expect([
      check(old, {}),
      check(old, { 'MCP-Protocol-Version': '1900-01-01' }),
      check(old, { 'MCP-Protocol-Version': '2026-07-28' })?.code,
    ]).toEqual([undefined, undefined, -32020]);
  });
  test('a notification may go without, and not with another’s', () => {
    const note = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta: META } };
    expect([check(note, {}), check(note, { 'Mcp-Method': 'tools/call' })?.code]).toEqual([undefined, -32020]);
  });
});

describe('x-mcp-header in a schema', () => {
  const declared = (properties: object, more: object = {}) =>
    paramHeaders(fromPlain({ type: 'object', properties, ...more })).map(({ path, name }) => `${path.join('.')}: ${name}`);
  test('is read along properties alone', () => {
    expect(
      declared({ a: { type: 'string', 'x-mcp-header': 'A' }, b: { properties: { c: { type: 'number', 'x-mcp-header': 'C' } } } }),
    ).toEqual(['a: A', 'b.c: C']);
  });
  test.each([
    ['another place', { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } }],
    ['a branch', { a: { anyOf: [{ type: 'string', 'x-mcp-header': 'A' }] } }],
    ['a branch of a branch', { a: { allOf: [{ properties: { b: { type: 'string', 'x-mcp-header': 'A' } } }] } }],
    ['no token', { a: { type: 'string', 'x-mcp-header': 'A: b' } }],
    ['no name', { a: { type: 'string', 'x-mcp-header': '' } }],
    ['no string', { a: { type: 'string', 'x-mcp-header': 7 } }],
    ['no primitive', { a: { type: 'object', 'x-mcp-header': 'A' } }],
    ['no type', { a: { 'x-mcp-header': 'A' } }],
    ['twice', { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } }],
  ])('%s: nothing is asked for', (_, properties) => {
    expect(declared({ ...properties, ok: { type: 'string', 'x-mcp-header': 'Ok' } })).toEqual([]);
  });
  test('in definitions, and at the root: nothing is asked for', () => {
    expect(declared({}, { $defs: { d: { type: 'string', 'x-mcp-header': 'A' } } })).toEqual([]);
    expect(declared({ ok: { type: 'string', 'x-mcp-header': 'Ok' } }, { 'x-mcp-header': 'Root' })).toEqual([]);
  });
  test('a property of that name is a property like any other, also where it is a default', () => {
    expect(declared({ 'x-mcp-header': { type: 'string' }, a: { type: 'object', default: { 'x-mcp-header': 'A' } } })).toEqual([]);
    expect(declared({ a: { type: 'string', 'x-mcp-header': 'A', default: { 'x-mcp-header': 'B' } } })).toEqual(['a: A']);
  });
});
