import { describe, expect, test } from 'bun:test';
import type { ResponseFrame } from '../../src/mcp/messages/frame.ts';
import { adjustCapabilities, mergeMember, renderError, renderToolResult, withId, withoutDecision } from '../../src/mcp/messages/reply.ts';
import { readServerFrame } from '../../src/mcp/messages/server.ts';

function frameOf(text: string): ResponseFrame {
  const frame = readServerFrame(new TextEncoder().encode(text));
  if (frame.kind !== 'response') throw new Error(`no answer: ${JSON.stringify(frame)}`);
  return frame;
}

function result(text: string): ResponseFrame {
  return frameOf(`{"jsonrpc":"2.0","id":1,"result":${text}}`);
}

describe('answers of our own (policy.md §13)', () => {
  test('a denial is a tool result', () => {
    const meta = { 'policylayer.com/decision': { outcome: 'denied' } };
    expect(renderToolResult('"a"', { text: 'no "x"\n', meta, resultType: false })).toBe(
      '{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"no \\"x\\"\\n"}],"isError":true,"_meta":{"policylayer.com/decision":{"outcome":"denied"}}}}',
    );
  });

  test('with resultType from 2026-07-28 on', () => {
    const made = JSON.parse(renderToolResult('9007199254740993', { text: '', meta: {}, resultType: true }));
    expect(made.result).toEqual({ content: [{ type: 'text', text: '' }], isError: true, resultType: 'complete', _meta: {} });
  });

  test('an error, with and without id and data', () => {
    expect(renderError('1', -32010, 'no "x"', { a: 1 })).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"no \\"x\\"","data":{"a":1}}}',
    );
    expect(renderError(null, -32700, 'bad')).toBe('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad"}}');
  });

  test('are one line, whatever the text', () => {
    expect(renderError('1', 1, 'a\r\nb\ud800')).not.toMatch(/[\r\n]/);
    expect(renderToolResult('1', { text: 'a\r\nb', meta: { x: '\n' }, resultType: false })).not.toMatch(/[\r\n]/);
  });
});

describe('wire.md §3: listChanged is declared', () => {
  test.each([
    ['absent', '{"capabilities":{"tools":{},"x":1.0}}', '{"capabilities":{"tools":{"listChanged":true},"x":1.0}}'],
    ['beside others', '{"capabilities":{"tools":{"a" : 1 }}}', '{"capabilities":{"tools":{"a" : 1,"listChanged":true }}}'],
    ['false', '{"capabilities":{"tools":{"listChanged": false}}}', '{"capabilities":{"tools":{"listChanged": true}}}'],
    ['true already', '{"capabilities":{"tools":{"listChanged": true}}}', '{"capabilities":{"tools":{"listChanged": true}}}'],
    ['no tools', '{"capabilities":{"prompts":{}}}', '{"capabilities":{"prompts":{}}}'],
    ['tools null', '{"capabilities":{"tools":null}}', '{"capabilities":{"tools":null}}'],
    ['no capabilities', '{}', '{}'],
    ['no object', '[]', '[]'],
  ])('%s', (_, before, after) => {
    expect(adjustCapabilities(result(before), [])).toBe(result(after).text);
  });

  test.each([
    ['first', '{"capabilities":{"resources":{"subscribe":true} , "tools":{}}}', '{"capabilities":{"tools":{"listChanged":true}}}'],
    [
      'last',
      '{"capabilities":{"tools":{},"resources":{},"prompts":{}},"a":1.0}',
      '{"capabilities":{"tools":{"listChanged":true}},"a":1.0}',
    ],
    ['all', '{"capabilities":{"prompts":{},"resources":{}}}', '{"capabilities":{}}'],
    ['twice', '{"capabilities":{"prompts":{},"x":{},"prompts":{}}}', '{"capabilities":{"x":{}}}'],
  ])('denied ones leave: %s', (_, before, after) => {
    expect(adjustCapabilities(result(before), ['resources', 'prompts'])).toBe(result(after).text);
  });

  test('an error stays as it is', () => {
    const frame = frameOf('{"jsonrpc":"2.0","id":1,"error":{"code":1}}');
    expect(adjustCapabilities(frame, [])).toBe(frame.text);
  });
});

describe('policy.md §13: an upstream does not forge our mark', () => {
  test.each([
    ['alone', '{"_meta":{"policylayer.com/decision":{"outcome":"denied"}}}', '{"_meta":{}}'],
    ['first', '{"_meta":{"policylayer.com/decision":1 , "b":2},"x":1.0}', '{"_meta":{"b":2},"x":1.0}'],
    ['last', '{"_meta":{"a":1 , "policylayer.com/decision":{}}}', '{"_meta":{"a":1}}'],
    ['escaped', '{"_meta":{"policylayer.com\\/decision":1,"b":2}}', '{"_meta":{"b":2}}'],
    ['twice', '{"_meta":{"policylayer.com/decision":1,"b":2,"policylayer.com/decision":3}}', '{"_meta":{"b":2}}'],
    ['a look-alike', '{"_meta":{"PolicyLayer.com/Deci\u017fion":1,"b":2}}', '{"_meta":{"b":2}}'],
  ])('%s', (_, before, after) => {
    expect(withoutDecision(result(before))).toBe(result(after).text);
  });

  test.each(['{"_meta":{"a":1}}', '{"_meta":null}', '{}', '[]', '{"content":{"_meta":{"policylayer.com/decision":1}}}'])(
    'nothing to cut in %s',
    (text) => {
      expect(withoutDecision(result(text))).toBeUndefined();
    },
  );
});

describe('small changes', () => {
  test('another id, all else as it was', () => {
    const frame = frameOf('{"jsonrpc":"2.0", "id" : 1 ,"result":{"id":1}}');
    expect(withId(frame.text, frame.idSpan, '"x-1"')).toBe('{"jsonrpc":"2.0", "id" : "x-1" ,"result":{"id":1}}');
  });

  test.each([
    ['{}', '{"k":2}'],
    ['{"a":1 }', '{"a":1,"k":2 }'],
    ['{"k": [1] ,"a":1}', '{"k": 2 ,"a":1}'],
    ['{"\\u006b":1}', '{"\\u006b":2}'],
  ])('a member set in %s', (before, after) => {
    expect(mergeMember(`[${before}]`, { start: 1, end: before.length + 1 }, 'k', '2')).toBe(`[${after}]`);
  });
});
