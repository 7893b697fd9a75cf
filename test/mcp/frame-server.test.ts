import { describe, expect, test } from 'bun:test';
import type { ServerFrame } from '../../src/mcp/messages/frame.ts';
import { textOf } from '../../src/mcp/messages/reply.ts';
import { readServerFrame } from '../../src/mcp/messages/server.ts';

const encoder = new TextEncoder();

function read(text: string): ServerFrame {
  return readServerFrame(encoder.encode(text));
}

function result(text: string): ServerFrame {
  return read(`{"jsonrpc":"2.0","id":1,"result":${text}}`);
}

describe('answers', () => {
  test.each<[string, string, object]>([
    ['a result', '{"content":[]}', { isError: false, resultType: undefined }],
    ['a tool error', '{"content":[],"isError":true}', { isError: true }],
    ['isError false', '{"isError":false}', { isError: false }],
    ['isError null is absent', '{"isError":null,"resultType":null}', { isError: false, resultType: undefined }],
    ['resultType', '{"resultType":"input_required"}', { resultType: 'input_required' }],
    ['an escaped resultType', '{"r\\u0065sultType":"t\\u0061sk"}', { resultType: 'task' }],
    ['a result that is no object', 'null', { isError: false }],
  ])('%s', (_, text, expected) => {
    expect(result(text)).toMatchObject({ kind: 'response', id: { key: 'n:1' }, outcome: 'result', ...expected });
  });

  test('an error', () => {
    expect(read('{"jsonrpc":"2.0","id":"a","error":{"code":1}}')).toMatchObject({
      kind: 'response',
      outcome: 'error',
      isError: true,
      id: { key: 's:a' },
    });
  });

  test.each(['{"jsonrpc":"2.0","error":{}}', '{"jsonrpc":"2.0","id":null,"error":{}}'])('an error without an id: %s', (text) => {
    expect(read(text)).toMatchObject({ kind: 'error_without_id', text });
  });

  test('a number that a double holds alike is the same id', () => {
    expect(read('{"jsonrpc":"2.0","id":1.0,"result":{}}')).toMatchObject({ id: { key: 'n:1', text: '1.0' } });
  });

  test('members of the result stand where they stand', () => {
    const frame = result('{ "content" : [ 1 ] ,"_meta":{}}');
    if (frame.kind !== 'response') throw new Error('no answer');
    const shown = Array.from(frame.members, ([key, { start, end }]) => [key, frame.text.slice(start, end)]);
    expect(shown).toEqual([
      ['content', '[ 1 ]'],
      ['_meta', '{}'],
    ]);
    expect(frame.text.slice(frame.result?.start, frame.result?.end)).toBe('{ "content" : [ 1 ] ,"_meta":{}}');
  });
});

describe('what a server may do and a client may not', () => {
  test.each([
    ['half a surrogate pair in a text', '{"content":[{"type":"text","text":"\\ud800"}]}'],
    ['nested duplicates', '{"content":[{"a":1,"a":2}],"x":{"b":1,"b":1}}'],
    ['a duplicate of a member that decides nothing', '{"note":1,"note":2}'],
    ['white space of all kinds', '{\r\n\t"content":[]}'],
    ['look-alikes below', '{"content":[{"IsError":true}]}'],
  ])('%s', (_, text) => {
    expect(result(text).kind).toBe('response');
  });

  test('bytes that are not UTF-8', () => {
    const bytes = Uint8Array.from([...encoder.encode('{"jsonrpc":"2.0","id":1,"result":{"t":"'), 0xff, ...encoder.encode('"}}')]);
    expect(readServerFrame(bytes)).toMatchObject({ kind: 'response', isError: false });
  });
});

describe('requests and notifications', () => {
  test('keep method, params and id', () => {
    const text = '{"method":"sampling/createMessage","params":{"a":1},"jsonrpc":"2.0","id":0}';
    expect(read(text)).toMatchObject({ kind: 'request', method: 'sampling/createMessage', id: { key: 'n:0' }, text });
    expect(read('{"jsonrpc":"2.0","method":"notifications/message"}')).toMatchObject({ kind: 'notification', params: { span: undefined } });
  });
});

describe('what can not be read with certainty', () => {
  test.each<[string, string, string | undefined]>([
    ['isError as text', '{"jsonrpc":"2.0","id":1,"result":{"isError":"true"}}', 'n:1'],
    ['isError twice', '{"jsonrpc":"2.0","id":1,"result":{"isError":true,"isError":false}}', 'n:1'],
    ['isError twice, once escaped', '{"jsonrpc":"2.0","id":1,"result":{"isError":true,"is\\u0045rror":false}}', 'n:1'],
    ['IsError', '{"jsonrpc":"2.0","id":1,"result":{"IsError":true}}', 'n:1'],
    ['i\u017fError', '{"jsonrpc":"2.0","id":1,"result":{"i\u017fError":true}}', 'n:1'],
    ['resultType as a number', '{"jsonrpc":"2.0","id":1,"result":{"resultType":1}}', 'n:1'],
    ['resulttype', '{"jsonrpc":"2.0","id":1,"result":{"resulttype":"task"}}', 'n:1'],
    ['_meta twice', '{"jsonrpc":"2.0","id":1,"result":{"_meta":{},"_meta":{}}}', 'n:1'],
    ['content twice', '{"jsonrpc":"2.0","id":1,"result":{"content":[],"content":[]}}', 'n:1'],
    ['structuredContent and a look-alike', '{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{},"structuredcontent":{}}}', 'n:1'],
    ['two results', '{"jsonrpc":"2.0","id":1,"result":{},"result":{}}', 'n:1'],
    ['result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 'n:1'],
    ['result and Result', '{"jsonrpc":"2.0","id":1,"result":{},"Result":{}}', 'n:1'],
    ['two ids', '{"jsonrpc":"2.0","id":1,"id":2,"result":{}}', undefined],
    ['no jsonrpc', '{"id":1,"result":{}}', 'n:1'],
    ['an error that is no object', '{"jsonrpc":"2.0","id":1,"error":null}', 'n:1'],
    ['a result without an id', '{"jsonrpc":"2.0","result":{}}', undefined],
    ['neither result nor error', '{"jsonrpc":"2.0","id":1}', 'n:1'],
    ["the server's own request: its id is not the client's", '{"jsonrpc":"2.0","id":1,"method":"m","Method":"n"}', undefined],
    ['a request with a broken id', '{"jsonrpc":"2.0","id":{},"method":"m"}', undefined],
    ['a line of a JSON log', '{"level":"info"}', undefined],
    ['a line of a JSON log with an id of its own', '{"level":"info","id":1}', undefined],
    ['a line of a JSON log with an id and a method', '{"Method":"GET","id":1}', undefined],
    ['a scalar', '42', undefined],
    ['NaN before its id', '{"result":{"x":NaN},"jsonrpc":"2.0","id":7}', 'n:7'],
    ['too deep before its id', `{"result":{"x":${'['.repeat(300)}${']'.repeat(300)}},"jsonrpc":"2.0","id":7}`, 'n:7'],
    ['too deep between two ids', `{"id":7,"result":{"x":${'['.repeat(300)}${']'.repeat(300)}},"jsonrpc":"2.0","id":8}`, undefined],
    [
      "the server's own request, too deep",
      `{"jsonrpc":"2.0","id":7,"method":"m","params":{"x":${'['.repeat(300)}${']'.repeat(300)}}}`,
      undefined,
    ],
    ['a frame cut off after its id', '{"jsonrpc":"2.0","id":7,"result":{"content":[{"te', 'n:7'],
    ['a frame cut off that has a method of null', '{"jsonrpc":"2.0","method":null,"id":7,"result":{"content":[{"te', 'n:7'],
    ['a frame with more behind it', '{"jsonrpc":"2.0","id":7,"result":{}} x', 'n:7'],
    ['too deep', `{"jsonrpc":"2.0","id":7,"result":{"x":${'['.repeat(300)}${']'.repeat(300)}}}`, 'n:7'],
    ['an empty batch', '[]', undefined],
    ['a nested batch', '[[]]', undefined],
  ])('%s', (_, text, key) => {
    const frame = read(text);
    expect(frame.kind).toBe('unreadable');
    expect(frame.kind === 'unreadable' ? frame.id?.key : 'readable').toBe(key);
  });

  test.each(['[info] listening', 'Server ready', '{ foo: 1 }', '{"level":"info","id":1', '', '\ufeff{}', '{"a"'])(
    'a banner is noise: %s',
    (text) => {
      expect(read(text)).toEqual({ kind: 'noise' });
    },
  );
});

test('a batch of answers, each on its own (§2.1)', () => {
  const parts = [
    '{"jsonrpc":"2.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":2,"result":{"isError":1}}',
    '{"jsonrpc":"2.0","method":"n"}',
  ];
  const frame = read(`[${parts.join(', ')}]`);
  if (frame.kind !== 'batch') throw new Error('no batch');
  expect(frame.items.map(({ kind }) => kind)).toEqual(['response', 'unreadable', 'notification']);
  const [first] = frame.items;
  expect(first?.kind === 'response' ? textOf(first) : undefined).toBe(parts[0] ?? '');
});

test('a result of 10 MiB is read in a moment', () => {
  const bytes = encoder.encode(
    JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'a "quoted" line\n'.repeat(500_000) }] } }),
  );
  const time = (): number => {
    const start = performance.now();
    expect(readServerFrame(bytes).kind).toBe('response');
    return performance.now() - start;
  };
  // Measured: 20 to 30 ms on an idle machine.
  expect(Math.min(time(), time(), time())).toBeLessThan(3_000);
});
