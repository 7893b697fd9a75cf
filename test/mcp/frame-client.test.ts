import { describe, expect, test } from 'bun:test';
import { readClientFrame } from '../../src/mcp/messages/client.ts';
import type { ClientFrame } from '../../src/mcp/messages/frame.ts';
import type { Refusal, RefusalReason } from '../../src/mcp/messages/refusal.ts';
import { textOf } from '../../src/mcp/messages/reply.ts';

const LIMITS = { maxDepth: 256, maxName: 1024 };
const encoder = new TextEncoder();

function read(text: string, anySpace = false): ClientFrame | Refusal {
  return readClientFrame(encoder.encode(text), { ...LIMITS, anySpace });
}

function reasonOf(frame: ClientFrame | Refusal): RefusalReason | undefined {
  return frame.kind === 'refused' ? frame.reason : undefined;
}

/** A request with these members besides `jsonrpc` and `id`. */
function request(members: string): string {
  return `{"jsonrpc":"2.0","id":1,${members}}`;
}

function nested(levels: number): string {
  return request(`"method":"m","params":{"x":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}`);
}

const CALL = '"method":"tools/call","params":{"name":"x"}';

describe('what passes', () => {
  test.each([
    ['a request', request(CALL), 'request'],
    ['spaces between tokens', '{ "jsonrpc" : "2.0" , "id" : 1 , "method" : "ping" } ', 'request'],
    ['params null is absent (§2.4)', request('"method":"tools/list","params":null'), 'request'],
    ['a string id', '{"jsonrpc":"2.0","id":"","method":"ping"}', 'request'],
    ['a notification (§2.5)', `{"jsonrpc":"2.0",${CALL}}`, 'notification'],
    ['unknown members of the envelope', request(`${CALL},"trace":{"a":[1]},"x-id":2`), 'request'],
    ['an answer', '{"jsonrpc":"2.0","id":"s-1","result":{"Foo":1}}', 'response'],
    ['an answer that is no object', '{"jsonrpc":"2.0","id":0,"result":null}', 'response'],
    ['an error without an id (§2.4)', '{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}', 'response'],
    ['an error with id null', '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}', 'response'],
    ['numbers no double holds (§2.6)', request('"method":"m","params":{"a":[1e400,-1E-999,123456789012345678901234567890]}'), 'request'],
    ['a whole pair of surrogates, escaped and not', request('"method":"m","params":{"a":"\\ud83d\\uDE00😀"}'), 'request'],
    ['U+2028 and DEL within strings', request('"method":"m","params":{"a":"\u2028\u007f"}'), 'request'],
    ['equal keys in different objects', request('"method":"m","params":{"a":{"k":1},"b":{"k":1}}'), 'request'],
    ['a look-alike where that key does not belong', request('"method":"m","params":{"Method":1,"x":{"Name":1},"Id":2}'), 'request'],
    ['names of Object.prototype (§2.14)', request('"method":"constructor","params":{"__proto__":1,"toString":2}'), 'request'],
    ['an escaped canonical key', request('"m\\u0065thod":"ping"'), 'request'],
    ['256 levels (§2.13)', nested(256), 'request'],
    ['an id of 1 KiB', `{"jsonrpc":"2.0","id":"${'i'.repeat(1024)}","method":"m"}`, 'request'],
    ['a batch (§2.1)', `[${request(CALL)}]`, 'batch'],
  ])('%s', (_, text, kind) => {
    expect(read(text)).toMatchObject({ kind, text });
  });
});

describe('§2.2 duplicate keys', () => {
  const many = Array.from({ length: 40 }, (_, index) => `"k${index}":1`).join(',');
  test.each([
    ['in the envelope', request('"method":"a","method":"b"')],
    ['first and last', `{"id":2,${request('"method":"a"').slice(1)}`],
    ['in params', request('"method":"a","params":{"name":"x","name":"y"}')],
    ['deep in the arguments', request('"method":"a","params":{"arguments":{"a":[[{"b":1,"b":1}]]}}')],
    ['one is escaped', request('"method":"a","params":{"name":"x","n\\u0061me":"y"}')],
    ['another escape of the same', request('"method":"a","params":{"a/b":1,"a\\/b":2}')],
    ['empty keys', request('"method":"a","params":{"":1,"":2}')],
    ['__proto__', request('"method":"a","params":{"__proto__":1,"__proto__":2}')],
    ['after many others', request(`"method":"a","params":{${many},"k7":2}`)],
    ['the last two of many', request(`"method":"a","params":{${many},"z":2,"z":2}`)],
    ['in an answer', '{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":1}}'],
    ['in an element of a batch: the whole batch', `[${request(CALL)},${request('"method":"a","method":"b"')}]`],
  ])('%s', (_, text) => {
    expect(reasonOf(read(text))).toBe('duplicate_key');
  });
});

describe('§2.3 look-alike keys', () => {
  const envelope = [
    'Method',
    'METHOD',
    'meth\\u00f3d'.replace('\\u00f3', '\u200bo'),
    'param\u017f',
    'Params',
    'ID',
    '\u0131d',
    '\u0130d',
    'id ',
    ' id',
    'jsonRPC',
    'Result',
    're\u017fult',
    'Error',
    '_Meta',
    'ｉd',
    'id\\u0000',
    'i\\u00add',
    'id\\ufeff',
    'method\\u0000x',
  ];
  test.each(envelope)('"%s" in the envelope', (key) => {
    expect(reasonOf(read(request(`${CALL},"${key}":1`)))).toBe('look_alike_key');
    expect(reasonOf(read(`{"jsonrpc":"2.0","${key}":1,"method":"m"}`))).toBe('look_alike_key');
  });

  const params = [
    'Name',
    'name\u200d',
    'ｎame',
    'Arguments',
    'argument\u017f',
    'URI',
    'ur\u0131',
    'ur\\u0130',
    'ta\u017fk',
    'tas\u212a',
    '_META',
    'Cursor',
    'inputresponses',
    'requeststate',
    'RequestState',
    'taskid',
    'tas\u212aId',
    'Name ',
    'na\\u0001me',
  ];
  test.each(params)('"%s" in params', (key) => {
    expect(reasonOf(read(request(`"method":"tools/call","params":{"name":"x","${key}":"y"}`)))).toBe('look_alike_key');
  });

  test.each(['resulttype', 'ResultType', 'iserror', 'i\u017fError', 'structuredcontent', '_Meta', 'Content'])('"%s" in a result', (key) => {
    expect(reasonOf(read(`{"jsonrpc":"2.0","id":1,"result":{"${key}":1}}`))).toBe('look_alike_key');
  });

  test('a very long key of invisible characters is one too, and costs linear time', () => {
    expect(reasonOf(read(request(`${CALL},"${'\u200b'.repeat(100_000)}id":1`)))).toBe('look_alike_key');
    expect(reasonOf(read(request(`${CALL},"${'\ufdfa'.repeat(100_000)}id":1`)))).toBeUndefined();
  });
});

describe('§2.4 messages that are none, or two', () => {
  test.each<[string, string, RefusalReason]>([
    ['a scalar', '1', 'not_json_rpc'],
    ['a string', '"tools/call"', 'not_json_rpc'],
    ['an empty object', '{}', 'not_json_rpc'],
    ['no jsonrpc', `{"id":1,${CALL}}`, 'not_json_rpc'],
    ['jsonrpc 1.0', `{"jsonrpc":"1.0","id":1,${CALL}}`, 'not_json_rpc'],
    ['jsonrpc as a number', `{"jsonrpc":2.0,"id":1,${CALL}}`, 'not_json_rpc'],
    ['method and result', request(`${CALL},"result":{}`), 'not_json_rpc'],
    ['method and error', request(`${CALL},"error":{}`), 'not_json_rpc'],
    ['result and error', request('"result":{},"error":{}'), 'not_json_rpc'],
    ['neither', '{"jsonrpc":"2.0","id":1}', 'not_json_rpc'],
    ['a method that is no string', request('"method":["tools/call"]'), 'not_json_rpc'],
    ['an error that is no object', request('"error":"no"'), 'not_json_rpc'],
    ['an endless method', request(`"method":"${'m'.repeat(1025)}"`), 'too_long'],
    ['a method of 1025 bytes', request(`"method":"m${'é'.repeat(512)}"`), 'too_long'],
    ['params as an array', request('"method":"tools/call","params":["x",{}]'), 'bad_params'],
    ['params as a string', request('"method":"tools/call","params":"x"'), 'bad_params'],
    ['a request with id null', `{"jsonrpc":"2.0","id":null,${CALL}}`, 'bad_id'],
    ['a fraction', `{"jsonrpc":"2.0","id":1.5,${CALL}}`, 'bad_id'],
    ['1.0', `{"jsonrpc":"2.0","id":1.0,${CALL}}`, 'bad_id'],
    ['1e0', `{"jsonrpc":"2.0","id":1e0,${CALL}}`, 'bad_id'],
    ['an id that is an object', `{"jsonrpc":"2.0","id":{"a":1},${CALL}}`, 'bad_id'],
    ['an id that is an array', `{"jsonrpc":"2.0","id":[1],${CALL}}`, 'bad_id'],
    ['an id that is a boolean', `{"jsonrpc":"2.0","id":true,${CALL}}`, 'bad_id'],
    ['an id over 1 KiB (§2.13)', `{"jsonrpc":"2.0","id":"${'i'.repeat(1025)}",${CALL}}`, 'bad_id'],
    ['a number of over 1 KiB', `{"jsonrpc":"2.0","id":${'1'.repeat(2000)},${CALL}}`, 'bad_id'],
    ['a result without an id', '{"jsonrpc":"2.0","result":{}}', 'bad_id'],
    ['a result with id null', '{"jsonrpc":"2.0","id":null,"result":{}}', 'bad_id'],
    ['an error with a broken id', '{"jsonrpc":"2.0","id":[],"error":{}}', 'bad_id'],
  ])('%s', (_, text, reason) => {
    expect(reasonOf(read(text))).toBe(reason);
  });
});

describe('§2.6 framing and encoding', () => {
  test.each<[string, Uint8Array | string, RefusalReason]>([
    ['invalid UTF-8', Uint8Array.from([...encoder.encode('{"a":"'), 0xff, 0x22, 0x7d]), 'encoding'],
    ['an overlong slash', Uint8Array.from([0x22, 0xc0, 0xaf, 0x22]), 'encoding'],
    ['a surrogate as UTF-8', Uint8Array.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'encoding'],
    ['a BOM', `\ufeff${request(CALL)}`, 'encoding'],
    ['UTF-16', Uint8Array.from(Buffer.from(request(CALL), 'utf16le')), 'control_character'],
    ['half a pair, high', request('"method":"m","params":{"a":"\\ud83d"}'), 'lone_surrogate'],
    ['half a pair, low', request('"method":"m","params":{"a":"\\ude00"}'), 'lone_surrogate'],
    ['the halves turned around', request('"method":"m","params":{"a":"\\ude00\\ud83d"}'), 'lone_surrogate'],
    ['two low halves', request('"method":"m","params":{"a":"\\ude00\\ude00"}'), 'lone_surrogate'],
    ['half a pair and another escape', request('"method":"m","params":{"a":"\\ud83d\\n"}'), 'lone_surrogate'],
    ['half a pair twice', request('"method":"m","params":{"a":"\\ud83d\\ud83d\\ude00"}'), 'lone_surrogate'],
    ['half a pair in a key', request('"method":"m","params":{"\\ud83d":1}'), 'lone_surrogate'],
    ['a CR between tokens', `{"jsonrpc":"2.0",\r"id":1,${CALL}}`, 'control_character'],
    ['a CR at the end', `${request(CALL)}\r`, 'control_character'],
    ['a tab between tokens', `{"jsonrpc":"2.0",\t"id":1,${CALL}}`, 'control_character'],
    ['a tab within a string', request('"method":"m\t"'), 'control_character'],
    ['a NUL at the end', `${request(CALL)}\0`, 'control_character'],
    ['a form feed', `\f${request(CALL)}`, 'control_character'],
    ['NaN', request('"method":"m","params":{"a":NaN}'), 'syntax'],
    ['Infinity', request('"method":"m","params":{"a":-Infinity}'), 'syntax'],
    ['two messages', `${request(CALL)}${request(CALL)}`, 'syntax'],
    ['trailing bytes', `${request(CALL)} x`, 'syntax'],
    ['a no-break space between tokens', `{\u00a0"jsonrpc":"2.0"}`, 'syntax'],
    ['a comment', `${request(CALL)}//x`, 'syntax'],
    ['single quotes', "{'jsonrpc':'2.0'}", 'syntax'],
    ['a trailing comma', '{"a":1,}', 'syntax'],
    ['a trailing comma in an array', '{"a":[1,]}', 'syntax'],
    ['a missing colon', '{"a" 1}', 'syntax'],
    ['a bare key', '{a:1}', 'syntax'],
    ['an octal number', '{"a":01}', 'syntax'],
    ['a bare fraction', '{"a":.5}', 'syntax'],
    ['a number without a fraction', '{"a":1.}', 'syntax'],
    ['a number without an exponent', '{"a":1e+}', 'syntax'],
    ['a minus', '{"a":-}', 'syntax'],
    ['a plus', '{"a":+1}', 'syntax'],
    ['an unknown escape', '{"a":"\\x41"}', 'syntax'],
    ['a short \\u', '{"a":"\\u00"}', 'syntax'],
    ['a string that does not end', '{"a":"', 'syntax'],
    ['an object that does not end', '{"a":1', 'syntax'],
    ['half a word', '{"a":tru}', 'syntax'],
    ['mismatched brackets', '{"a":[1}]', 'syntax'],
    ['nothing', '', 'syntax'],
  ])('%s', (_, text, reason) => {
    const bytes = typeof text === 'string' ? encoder.encode(text) : text;
    expect(reasonOf(readClientFrame(bytes, LIMITS))).toBe(reason);
  });

  test('over HTTP the four characters of white space are fine, others are not', () => {
    const text = request(CALL).replaceAll(',', '\r\n,\t ');
    expect(read(text, true)).toMatchObject({ kind: 'request', text });
    expect(reasonOf(read(`${text}\f`, true))).toBe('control_character');
    expect(reasonOf(read(`\u00a0${text}`, true))).toBe('syntax');
  });

  test('one bad frame leaves nothing behind for the next', () => {
    expect(reasonOf(readClientFrame(Uint8Array.from([0x7b, 0xe2, 0x82]), LIMITS))).toBe('encoding');
    expect(read(request(CALL)).kind).toBe('request');
  });
});

describe('§2.13 depth', () => {
  test('257 levels are refused, and the request is known', () => {
    expect(read(nested(257))).toMatchObject({ kind: 'refused', reason: 'too_deep', code: -32600, id: { key: 'n:1' } });
  });

  test.each([['['], ['{"a":']])('millions of %s do not overflow', (open) => {
    expect(reasonOf(read(open.repeat(2_000_000)))).toBe('too_deep');
    expect(reasonOf(read(request(`"method":"m","params":{"x":${open.repeat(2_000_000)}`)))).toBe('too_deep');
  });
});

describe('§2.1 batches', () => {
  test('elements are read on their own, each at its place', () => {
    const parts = [
      request(CALL),
      '{"jsonrpc":"2.0","method":"n"}',
      '7',
      `{"jsonrpc":"2.0","id":null,${CALL}}`,
      '{"jsonrpc":"2.0","id":2,"Method":"x"}',
    ];
    const frame = read(`[${parts.join(' , ')}]`);
    if (frame.kind !== 'batch') throw new Error('no batch');
    expect(frame.items.map((item) => (item.kind === 'refused' ? item.reason : item.kind))).toEqual([
      'request',
      'notification',
      'not_json_rpc',
      'bad_id',
      'look_alike_key',
    ]);
    expect(frame.items.slice(0, 2).map((item) => item.kind !== 'refused' && textOf(item))).toEqual(parts.slice(0, 2));
    expect(frame.items[4]).toMatchObject({ id: { key: 'n:2' } });
  });

  test.each([
    ['empty', '[]'],
    ['nested', `[[${request(CALL)}]]`],
    ['nested behind a sound one', `[${request(CALL)},[]]`],
    ['of more messages than could be in flight', `[${Array(1025).fill('{}').join(',')}]`],
  ])('%s: refused as a whole', (_, text) => {
    expect(read(text)).toMatchObject({ kind: 'refused', reason: 'batch', code: -32600, id: undefined });
  });

  test('bad syntax in one element refuses the whole', () => {
    expect(read(`[${request(CALL)},{"a":}]`)).toMatchObject({ reason: 'syntax', id: undefined });
  });
});

describe('§2.7 ids', () => {
  const keyOf = (id: string): string | undefined => {
    const frame = read(`{"jsonrpc":"2.0","id":${id},"method":"m"}`);
    return frame.kind === 'request' && frame.id.text === id ? frame.id.key : undefined;
  };
  test.each([
    ['1', 'n:1'],
    ['"1"', 's:1'],
    ['-0', 'n:0'],
    ['0', 'n:0'],
    ['"\\u0031"', 's:1'],
    ['"__proto__"', 's:__proto__'],
    ['9007199254740993', 'n:9007199254740992'],
    ['""', 's:'],
  ])('%s is %s', (id, key) => {
    expect(keyOf(id)).toBe(key);
  });

  test.each<[string, string, string | undefined]>([
    ['a duplicate below the envelope', request('"method":"m","params":{"a":1,"a":1}'), 'n:1'],
    ['two ids', `{"id":2,${request('"method":"m"').slice(1)}`, undefined],
    ['a look-alike of id', request('"method":"m","Id":2'), undefined],
    ['a look-alike of method', request('"Method":"m"'), 'n:1'],
    ['a look-alike of result', request('"re\u017fult":{}'), undefined],
    ['bad params', request('"method":"m","params":3'), 'n:1'],
    ['no method', '{"jsonrpc":"2.0","id":1}', 'n:1'],
    ["an answer: the id is the server's", '{"jsonrpc":"2.0","id":1,"result":{"Content":1}}', undefined],
    ['an answer with a duplicate', '{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}', undefined],
    ['method and result', request('"method":"m","result":1'), undefined],
    ['cut off', '{"jsonrpc":"2.0","id":1,"method":', undefined],
    ['a control character between tokens', `${request('"method":"m"')}\r`, 'n:1'],
    ['half a pair in the id', '{"jsonrpc":"2.0","id":"\\ud800","method":"m"}', undefined],
    ['half a pair elsewhere', request('"method":"\\ud800"'), 'n:1'],
  ])('a refusal knows its request only where that is certain: %s', (_, text, key) => {
    const frame = read(text);
    expect(frame.kind).toBe('refused');
    expect(frame.kind === 'refused' ? frame.id?.key : 'not refused').toBe(key);
  });
});

describe('refusals', () => {
  test.each<[string, number, string]>([
    ['{"a":1,"\\u0061":2}', -32600, 'key "a" occurs twice in one object: again at offset 7'],
    ['{"a":tru}', -32700, '"t" is not expected at offset 5'],
    ['{"a":', -32700, 'the JSON text ends too early at offset 5'],
    [request('"method":"m","params":[]'), -32602, '"params" has to be an object'],
    [request('"Method":"m"'), -32600, 'key "Method" only looks like one of JSON-RPC\'s'],
  ])('%s', (text, code, message) => {
    expect(read(text)).toMatchObject({ kind: 'refused', code, message });
  });

  test('quote no more than a little of what came', () => {
    const frame = read(request(`"method":"m","${'x'.repeat(5000)}":1,"${'x'.repeat(5000)}":1`));
    expect(frame.kind === 'refused' && frame.message.length).toBeLessThan(200);
  });
});

test('params keep every member and where it stands', () => {
  const frame = read(request('"method":"m","params":{"n\\u0061me":"x", "a" : [1, 2] ,"__proto__":{}}'));
  if (frame.kind !== 'request') throw new Error('no request');
  const shown = Array.from(frame.params.members, ([key, { start, end }]) => [key, frame.text.slice(start, end)]);
  expect(shown).toEqual([
    ['name', '"x"'],
    ['a', '[1, 2]'],
    ['__proto__', '{}'],
  ]);
});

test('§2.2 finding duplicates among very many keys is not quadratic', () => {
  const keys = Array.from({ length: 300_000 }, (_, index) => `"${index}":1`).join(',');
  const bytes = encoder.encode(request(`"method":"m","params":{"a":{${keys}}}`));
  const start = performance.now();
  expect(readClientFrame(bytes, LIMITS).kind).toBe('request');
  // A comparison of each with each takes a minute.
  expect(performance.now() - start).toBeLessThan(8_000);
});
