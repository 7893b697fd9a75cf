import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { ResponseFrame } from '../../src/mcp/messages/frame.ts';
import { filterToolPage, type ToolPage } from '../../src/mcp/messages/lists.ts';
import { readServerFrame } from '../../src/mcp/messages/server.ts';

function frameOf(text: string): ResponseFrame {
  const frame = readServerFrame(new TextEncoder().encode(text));
  if (frame.kind !== 'response') throw new Error(`no answer: ${JSON.stringify(frame)}`);
  return frame;
}

function page(result: string): ResponseFrame {
  return frameOf(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
}

function filter(result: string, hidden: readonly string[], clamp = false): ToolPage {
  return filterToolPage(page(result), (name) => !hidden.includes(name), clamp);
}

function resultOf(made: ToolPage): string {
  return made.kind === 'page' ? made.text.slice('{"jsonrpc":"2.0","id":1,"result":'.length, -1) : made.why;
}

const A = '{"name":"a"}';
const B = '{ "name" : "b" }';
const C = '{"name":"c"}';

describe('wire.md §3: hidden tools leave the page, the rest stays byte for byte', () => {
  test.each<[string, string, string[], string]>([
    ['none', `{"tools":[${A} , ${B}]}`, [], `{"tools":[${A} , ${B}]}`],
    ['the first', `{"tools":[ ${A} , ${B},${C} ]}`, ['a'], `{"tools":[ ${B},${C} ]}`],
    ['one between', `{"tools":[${A} , ${B},${C}]}`, ['b'], `{"tools":[${A} , ${C}]}`],
    ['the last', `{"tools":[${A},${B} , ${C} ]}`, ['c'], `{"tools":[${A},${B} ]}`],
    ['the last two', `{"tools":[${A}, ${B},${C}]}`, ['b', 'c'], `{"tools":[${A}]}`],
    ['first and last', `{"tools":[${A}, ${B},${C}]}`, ['a', 'c'], `{"tools":[${B}]}`],
    ['all', `{"tools":[ ${A}, ${B},${C} ],"x":1.0}`, ['a', 'b', 'c'], '{"tools":[  ],"x":1.0}'],
    ['an empty list', '{"tools":[ ]}', ['a'], '{"tools":[ ]}'],
    ['an escaped name', `{"tools":[{"n\\u0061me":"\\u0061"},${B}]}`, ['a'], `{"tools":[${B}]}`],
    ['the same name twice', `{"tools":[${A},${B},${A}]}`, ['a'], `{"tools":[${B}]}`],
    [
      'names of Object.prototype (§2.14)',
      '{"tools":[{"name":"__proto__"},{"name":"constructor"}]}',
      ['__proto__'],
      '{"tools":[{"name":"constructor"}]}',
    ],
  ])('%s', (_, result, hidden, expected) => {
    expect(resultOf(filter(result, hidden))).toBe(expected);
  });

  test('big numbers, unknown members and order survive', () => {
    const result =
      '{"z":9007199254740993,"tools":[{"name":"b","x":1e400,"d":"\\u00e9"},{"name":"a"}],"nextCursor":"n\\u0031","a":{"k":1,"k":2}}';
    const made = filter(result, ['a']);
    expect(resultOf(made)).toBe(result.replace(',{"name":"a"}', ''));
    expect(made).toMatchObject({ removed: 1, nextCursor: 'n1' });
  });

  test('every tool is told of, hidden ones too', () => {
    const made = filter('{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b"}],"nextCursor":""}', ['a']);
    if (made.kind !== 'page') throw new Error(made.why);
    expect(made.tools).toEqual([
      { name: 'a', definition: '{"name":"a","inputSchema":{"type":"object"}}', inputSchema: new Map([['type', 'object']]) },
      { name: 'b', definition: '{"name":"b"}', inputSchema: undefined },
    ]);
    expect(made.nextCursor).toBe('');
  });

  test('a schema that could be read in two ways is none', () => {
    const made = filter('{"tools":[{"name":"a","inputSchema":{"type":"object","required":[],"required":["x"]}}]}', []);
    expect(made).toMatchObject({ kind: 'page', tools: [{ name: 'a', inputSchema: undefined }] });
  });

  test('an error passes as it is', () => {
    const frame = frameOf('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no tools"}}');
    expect(filterToolPage(frame, () => false)).toMatchObject({ kind: 'page', text: frame.text, tools: [] });
  });

  test('a page within a batch is cut to its own text', () => {
    const frame = readServerFrame(
      new TextEncoder().encode(`[{"jsonrpc":"2.0","method":"n"}, {"jsonrpc":"2.0","id":1,"result":{"tools":[${A},${B}]}} ]`),
    );
    const item = frame.kind === 'batch' ? frame.items[1] : undefined;
    if (item?.kind !== 'response') throw new Error('no answer');
    expect(filterToolPage(item, (name) => name === 'b')).toMatchObject({ text: `{"jsonrpc":"2.0","id":1,"result":{"tools":[${B}]}}` });
  });
});

describe('wire.md §3: a page that can not be read is no leak', () => {
  test.each([
    ['no object', '[]'],
    ['no tools', '{}'],
    ['tools null', '{"tools":null}'],
    ['tools as an object', '{"tools":{"a":{}}}'],
    ['tools twice', `{"tools":[${A}],"tools":[${B}]}`],
    ['Tools beside', `{"tools":[${A}],"Tools":[${B}]}`],
    ['tool\u017f beside', `{"tools":[${A}],"tool\u017f":[${B}]}`],
    ['two names', '{"tools":[{"name":"b","name":"a"}]}'],
    ['two names, one escaped', '{"tools":[{"name":"b","n\\u0061me":"a"}]}'],
    ['name and Name', '{"tools":[{"name":"b","Name":"a"}]}'],
    ['two schemas', '{"tools":[{"name":"b","inputSchema":{},"inputSchema":{}}]}'],
    ['half a surrogate pair in a name', '{"tools":[{"name":"b\\ud800"}]}'],
    ['a cursor that is no string', '{"tools":[],"nextCursor":1}'],
    ['two cursors', '{"tools":[],"nextCursor":"a","nextCursor":"b"}'],
  ])('%s', (_, result) => {
    expect(filter(result, ['a']).kind).toBe('unreadable');
  });
});

describe('wire.md §3: an entry that is no tool for anybody is taken out, and the rest stays', () => {
  test.each([
    ['text', `{"tools":[${A},"b"]}`],
    ['null', `{"tools":[null,${A},null]}`],
    ['without a name', `{"tools":[${A},{"title":"x"}]}`],
    ['a name that is no string', `{"tools":[{"name":1},${A}]}`],
  ])('%s', (_, result) => {
    const made = filter(result, []);
    if (made.kind !== 'page') throw new Error(made.why);
    expect(made.text).toContain(`{"tools":[${A}]}`);
    expect(made.tools.map(({ name }) => name)).toEqual(['a']);
    expect(made.unread[0]).toMatch(/^entry \d of "tools" is no object, or has no name$/);
  });
});

describe('wire.md §3: a filtered page is private and short-lived (2026-07-28)', () => {
  test.each<[string, string, string]>([
    [
      'public for an hour',
      `{"tools":[${A}],"resultType":"complete","ttlMs":3600000,"cacheScope":"public"}`,
      '{"tools":[],"resultType":"complete","ttlMs":60000,"cacheScope":"private"}',
    ],
    ['private and short already', `{"tools":[${A}],"ttlMs":0,"cacheScope":"private"}`, '{"tools":[],"ttlMs":0,"cacheScope":"private"}'],
    ['a time that is none', `{"cacheScope":"public","ttlMs":"x","tools":[${A}]}`, '{"cacheScope":"private","ttlMs":60000,"tools":[]}'],
    [
      'a number no double holds',
      `{"ttlMs":1e400,"cacheScope":"public","tools":[${A}]}`,
      '{"ttlMs":60000,"cacheScope":"private","tools":[]}',
    ],
    ['no scope', `{"tools":[${A}],"ttlMs":1}`, '{"tools":[],"ttlMs":1,"cacheScope":"private"}'],
    [
      'a modern result without either',
      `{"tools":[${A}],"resultType":"complete"}`,
      '{"tools":[],"resultType":"complete","cacheScope":"private"}',
    ],
    ['a result that says nothing of caching', `{"tools":[${A}]}`, '{"tools":[]}'],
  ])('%s', (_, result, expected) => {
    expect(resultOf(filter(result, ['a'], true))).toBe(expected);
  });

  test('a page from which nothing was taken stays as it was', () => {
    const result = `{"tools":[${A}],"ttlMs":3600000,"cacheScope":"public"}`;
    expect(resultOf(filter(result, ['b'], true))).toBe(result);
    expect(resultOf(filter(result, ['a'], false))).toBe('{"tools":[],"ttlMs":3600000,"cacheScope":"public"}');
  });
});

test('the client sees exactly the tools that are kept, and everything else as the server sent it', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'é');
  const tool = fc.record({ name, description: fc.string(), inputSchema: fc.jsonValue({ maxDepth: 2 }) });
  const space = fc.constantFrom(undefined, 1, '\t');
  fc.assert(
    fc.property(
      fc.array(tool, { maxLength: 8 }),
      fc.uniqueArray(name),
      fc.jsonValue({ maxDepth: 2 }),
      space,
      (tools, hidden, extra, indent) => {
        const text = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { extra, tools, nextCursor: 'n' } }, null, indent);
        const made = filterToolPage(frameOf(text), (known) => !hidden.some((one) => one === known));
        if (made.kind !== 'page') throw new Error(made.why);
        const kept = tools.filter((known) => !hidden.includes(known.name));
        expect(JSON.parse(made.text)).toEqual(
          JSON.parse(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { extra, tools: kept, nextCursor: 'n' } })),
        );
        expect(made.removed).toBe(tools.length - kept.length);
        // Byte for byte: what is left is the text with pieces taken out, and nothing else.
        expect(isSubsequence(made.text, text)).toBe(true);
        expect(made.removed > 0 || made.text === text).toBe(true);
      },
    ),
  );
});

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const character of whole) if (part.startsWith(character, at)) at += character.length;
  return at === part.length;
}
