import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { asLine, createLineSplitter, type Line } from '../../src/mcp/messages/lines.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function show(lines: readonly Line[]): string[] {
  return lines.map((line) => (line.kind === 'line' ? decoder.decode(line.bytes) : `too_long ${line.length}`));
}

function split(chunks: readonly string[], max = 64): string[] {
  const splitter = createLineSplitter(max);
  const lines = chunks.flatMap((chunk) => splitter.push(encoder.encode(chunk)));
  return show([...lines, ...splitter.end()]);
}

describe('lines (wire.md §2.6)', () => {
  test.each([
    ['LF splits', ['a\nb\n'], ['a', 'b']],
    ['one CR before LF is dropped', ['a\r\nb\n'], ['a', 'b']],
    ['only one', ['a\r\r\n'], ['a\r']],
    ['a CR at the end of a chunk belongs to the LF of the next', ['a\r', '\nb\n'], ['a', 'b']],
    ['a CR elsewhere stays', ['a\rb\n'], ['a\rb']],
    ['U+2028, U+2029, U+0085, VT and FF do not split', ['a\u2028b\u2029c\u0085d\ve\ff\n'], ['a\u2028b\u2029c\u0085d\ve\ff']],
    ['blank lines are nothing', ['\n\r\n  \n\t\na\n\n'], ['a']],
    ['what has no LF is a line at the end', ['a\nb'], ['a', 'b']],
    ['a CR without LF at the end stays', ['a\r'], ['a\r']],
    ['a line over several chunks', ['a', 'b', '', 'c\nd'], ['abc', 'd']],
    ['a character cut in two', ['"\u00e9"\n'], ['"\u00e9"']],
  ])('%s', (_, chunks, expected) => {
    expect(split(chunks)).toEqual(expected);
  });

  test('lines of one chunk are parts of it, not copies', () => {
    const chunk = encoder.encode('one\ntwo\n');
    const [line] = createLineSplitter(64).push(chunk);
    expect(line?.kind === 'line' && line.bytes.buffer === chunk.buffer).toBe(true);
  });

  test('a line that was handed out does not change when more comes', () => {
    const splitter = createLineSplitter(64);
    splitter.push(encoder.encode('ab'));
    const [first] = splitter.push(encoder.encode('c\nx'));
    splitter.push(encoder.encode('yz\n'));
    expect(show(first ? [first] : [])).toEqual(['abc']);
  });
});

describe('sizes (wire.md §2.13)', () => {
  test.each([
    ['at the limit', ['12345678\n'], ['12345678']],
    ['at the limit with CR', ['12345678\r\n'], ['12345678']],
    ['at the limit with CR, in pieces', ['12345678', '\r', '\n'], ['12345678']],
    ['one over', ['123456789\nok\n'], ['too_long 9', 'ok']],
    ['one over in pieces is told once, and the session lives on', ['12345', '6789', '0', '\nok\n'], ['too_long 10', 'ok']],
    ['a CR that no LF follows counts', ['12345678\r', 'x\nok\n'], ['too_long 10', 'ok']],
    ['over at the end', ['12345678\r'], ['too_long 9']],
    ['nothing of it is left after the end', ['123456789'], ['too_long 9']],
  ])('%s', (_, chunks, expected) => {
    expect(split(chunks, 8)).toEqual(expected);
  });

  test.each([
    ['{"jsonrpc":"2.0","id":7,"method":"x","params":{"id":8,"text":"LONG"}}', { key: 'n:7', request: true }],
    ['{"params":{"text":"LONG \\" \\\\","id":1},"method":"x","id":"a\\"b"}', { key: 's:a"b', request: true }],
    ['{"result":{"id":3,"content":["LONG","id",4]},"id":5}', { key: 'n:5', request: false }],
    ['{"result":"LONG"}', { key: undefined, request: false }],
    ['["LONG",{"id":1}]', { key: undefined, request: false }],
  ])('whose message was too long is told, wherever its id stands: %s', (text, expected) => {
    const long = text.replace('LONG', 'x'.repeat(5000));
    for (const size of [1, 7, 4096, 1_000_000]) {
      const splitter = createLineSplitter(1000);
      const bytes = encoder.encode(`${long}\n`);
      const lines = [];
      for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
      const [line] = lines;
      expect(lines).toHaveLength(1);
      if (line?.kind !== 'too_long') throw new Error('expected an oversized line');
      expect({ key: line.sender.id?.key, request: line.sender.isRequest }).toEqual(expected);
    }
  });

  test('10 MiB in 64 KiB pieces costs linear time', () => {
    const piece = new Uint8Array(65_536).fill(97);
    const feed = (count: number): number => {
      const splitter = createLineSplitter(64 << 20);
      const start = performance.now();
      for (let i = 0; i < count; i++) splitter.push(piece);
      const [line] = splitter.push(encoder.encode('\n'));
      expect(line?.kind === 'line' && line.bytes.length).toBe(count * piece.length);
      return performance.now() - start;
    };
    // The best of a few: the machine may be busy with other things.
    expect(Math.min(feed(160), feed(160), feed(160), feed(160))).toBeLessThan(1_000);
  });

  test('what is discarded is not kept', () => {
    const splitter = createLineSplitter(1024);
    const piece = new Uint8Array(65_536).fill(97);
    let reports = 0;
    for (let i = 0; i < 2000; i++) reports += splitter.push(piece).length;
    expect(reports).toBe(0);
    expect(splitter.push(encoder.encode('\n'))).toHaveLength(1);
    expect(show(splitter.push(encoder.encode('\nok\n')))).toEqual(['ok']);
  });
});

test('lines are the same however the bytes are cut', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n', ' ', 'é'), maxLength: 60 });
  const cuts = fc.array(fc.nat(60), { maxLength: 6 });
  fc.assert(
    fc.property(text, cuts, (whole, at) => {
      const bytes = encoder.encode(whole);
      const places = [0, ...at.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length];
      const splitter = createLineSplitter(1000);
      const lines = places.slice(1).flatMap((end, index) => splitter.push(bytes.subarray(places[index], end)));
      expect(show([...lines, ...splitter.end()])).toEqual(split([whole], 1000));
    }),
  );
});

test('a message that was written over several lines becomes one, of the same length and meaning', () => {
  const text = JSON.stringify({ a: [1, '\n\t'], b: {} }, null, '\t').replaceAll('\n', '\r\n');
  expect(asLine(text)).not.toMatch(/[\t\r\n]/);
  expect(asLine(text)).toHaveLength(text.length);
  expect(JSON.parse(asLine(text))).toEqual(JSON.parse(text));
});
