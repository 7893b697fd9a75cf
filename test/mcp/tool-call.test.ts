import { describe, expect, test } from 'bun:test';
import type { Json } from '../../src/core/json.ts';
import { readClientFrame, readToolCall } from '../../src/mcp/messages/client.ts';
import type { ToolCall } from '../../src/mcp/messages/frame.ts';
import type { Refusal } from '../../src/mcp/messages/refusal.ts';

function call(params: string): ToolCall | Refusal {
  const text = `{"jsonrpc":"2.0","id":"c","method":"tools/call"${params === '' ? '' : `,"params":${params}`}}`;
  const frame = readClientFrame(new TextEncoder().encode(text), { maxDepth: 256, maxName: 1024 });
  if (frame.kind !== 'request') throw new Error(`no request: ${JSON.stringify(frame)}`);
  return readToolCall(frame);
}

const NONE: ToolCall = {
  ...{ name: 'x', args: new Map(), argsText: '{}', meta: undefined, ownMeta: undefined },
  ...{ requestState: undefined, inputResponses: undefined, task: false },
};

const NO_MEMBER = (key: string) => `"params" of a call has no member "${key}": what the tool is to get stands in "arguments"`;

describe('§2.4 what a call asks for', () => {
  test.each<[string, string, Partial<ToolCall>]>([
    ['no arguments', '{"name":"x"}', {}],
    ['arguments null is absent', '{"name":"x","arguments":null}', {}],
    ['the rest null is absent', '{"name":"x","_meta":null,"task":null,"inputResponses":null,"requestState":null}', {}],
    [
      'the text of the arguments as it came',
      '{"name":"x","arguments":{ "a" : 1.0 }}',
      { args: new Map([['a', { number: '1.0' }]]), argsText: '{ "a" : 1.0 }' },
    ],
    ['a name with escapes', '{"name":"\\u0061\\n"}', { name: 'a\n' }],
    ['an empty name', '{"name":""}', { name: '' }],
    ['a name of 1 KiB', `{"name":"${'n'.repeat(1024)}"}`, { name: 'n'.repeat(1024) }],
    ['_meta', '{"name":"x","_meta":{"progressToken":1}}', { meta: new Map<string, Json>([['progressToken', { number: '1' }]]) }],
    ['a retry (§2.12)', '{"name":"x","inputResponses":{},"requestState":"s\\u0031"}', { inputResponses: '{}', requestState: 's1' }],
    ['a retry with its state alone', '{"name":"x","requestState":""}', { requestState: '' }],
    ['a task (§2.11)', '{"name":"x","task":{}}', { task: true }],
    [
      'names of Object.prototype (§2.14)',
      '{"name":"constructor","arguments":{"__proto__":{"a":1}}}',
      { name: 'constructor', args: new Map([['__proto__', new Map([['a', { number: '1' }]])]]), argsText: '{"__proto__":{"a":1}}' },
    ],
  ])('%s', (_, params, expected) => {
    expect(call(params)).toEqual({ ...NONE, ...expected });
  });

  test.each<[string, string, string]>([
    ['no params', '', '"params.name" has to be a string'],
    ['params null', 'null', '"params.name" has to be a string'],
    ['no name', '{"arguments":{}}', '"params.name" has to be a string'],
    ['a name that is a number', '{"name":1}', '"params.name" has to be a string'],
    ['a name that is null', '{"name":null}', '"params.name" has to be a string'],
    ['a name that is a list', '{"name":["x"]}', '"params.name" has to be a string'],
    ['a name over 1 KiB (§2.13)', `{"name":"${'é'.repeat(513)}"}`, '"params.name" is longer than 1024 bytes'],
    ['arguments as a list', '{"name":"x","arguments":[]}', '"params.arguments" has to be an object'],
    ['arguments as text', '{"name":"x","arguments":"{}"}', '"params.arguments" has to be an object'],
    ['arguments as false', '{"name":"x","arguments":false}', '"params.arguments" has to be an object'],
    ['arguments as zero', '{"name":"x","arguments":0}', '"params.arguments" has to be an object'],
    ['_meta as text', '{"name":"x","_meta":"m"}', '"params._meta" has to be an object'],
    ['inputResponses as a list', '{"name":"x","inputResponses":[]}', '"params.inputResponses" has to be an object'],
    ['requestState as an object', '{"name":"x","requestState":{}}', '"params.requestState" has to be a string'],
    ['an options member (§2.4)', '{"name":"x","options":{}}', NO_MEMBER('options')],
    ['arguments by another name', '{"name":"x","arguments":{},"args":{"amount":9}}', NO_MEMBER('args')],
    ['a member of another request', '{"name":"x","cursor":null}', NO_MEMBER('cursor')],
    ['a long member', `{"name":"x","${'m'.repeat(100)}":1}`, NO_MEMBER(`${'m'.repeat(64)}…`)],
    ['names of Object.prototype beside', '{"name":"x","constructor":1}', NO_MEMBER('constructor')],
    ['more in _meta than can be shown', `{"name":"x","_meta":{"a":"${'x'.repeat(65_536)}"}}`, '"params._meta" is larger than 64 KiB'],
    ['task as true', '{"name":"x","task":true}', '"params.task" has to be an object'],
  ])('refused: %s', (_, params, message) => {
    expect(call(params)).toMatchObject({ kind: 'refused', reason: 'bad_call', code: -32602, message, id: { text: '"c"' } });
  });
});

describe("policy.md §12 what a client adds in _meta, less the protocol's own keys", () => {
  const own = (meta: string) => {
    const read = call(`{"name":"x","_meta":${meta}}`);
    return 'kind' in read ? read : read.ownMeta?.text;
  };
  test.each([
    ['{}', undefined],
    ['{"progressToken":1,"traceparent":"00","tracestate":"x","baggage":"y"}', undefined],
    ['{"io.modelcontextprotocol/clientInfo":{"name":"c"},"x402/payment":{},"org.paymentauth/credential":{}}', undefined],
    ['{"progressToken":1,"example.com/account":"ceo", "n": 1.0}', '{"example.com/account":"ceo","n":1.0}'],
    ['{"ProgressToken":1}', '{"ProgressToken":1}'],
    ['{"x402/other":1,"io.modelcontextprotocol":2}', '{"x402/other":1,"io.modelcontextprotocol":2}'],
    ['{"__proto__":{"confirm":true}}', '{"__proto__":{"confirm":true}}'],
  ])('%s', (meta, expected) => expect(own(meta)).toBe(expected));
});
