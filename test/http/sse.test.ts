/** wire.md §2.6, §2.13: event streams by their own grammar, however they are cut into chunks. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createEventParser, type SseEvent } from '../../src/http/sse.ts';
import { renderEvent, renderMessage } from '../../src/http/sse-render.ts';

const MAX = 1024;

/** Finds nothing but the bytes themselves. */
function look() {
  const pieces: Uint8Array[] = [];
  return { push: (bytes: Uint8Array) => void pieces.push(bytes.slice()), found: () => Buffer.concat(pieces).toString() };
}

function parse(chunks: readonly Uint8Array[], max = MAX): SseEvent<string>[] {
  const parser = createEventParser(max, look);
  return chunks.flatMap((chunk) => parser.push(chunk));
}

function parseText(text: string, max = MAX): SseEvent<string>[] {
  return parse([Buffer.from(text)], max);
}

/** What an event says, without its bytes. */
function said(event: SseEvent<string>) {
  if (event.kind === 'too_long') return 'too long';
  const { data, type, id, retry } = event;
  return { data: data && Buffer.from(data).toString(), type, id, retry };
}

const message = (data: string, rest: object = {}) => ({ data, type: '', id: undefined, retry: undefined, ...rest });

describe('wire.md §2.6: the grammar', () => {
  const cases: readonly [string, string, readonly object[]][] = [
    ['LF', 'data: a\n\ndata: b\n\n', [message('a'), message('b')]],
    ['CR', 'data: a\r\rdata: b\r\r', [message('a'), message('b')]],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', [message('a'), message('b')]],
    ['mixed', 'data: a\r\n\rdata: b\n\r\n', [message('a'), message('b')]],
    ['a byte order mark', '\uFEFFdata: a\n\n', [message('a')]],
    ['a second mark is a name of no field', '\uFEFF\uFEFFdata: a\n\n', [message(undefined as never)]],
    ['no space, one space, two', 'data:a\ndata: a\ndata:  a\n\n', [message('a\na\n a')]],
    ['a field without colon', 'data\ndata\n\n', [message('\n')]],
    ['data that is empty', 'data:\n\n', [message('')]],
    ['all fields', 'event: x\nid: 7\nretry: 20\ndata: a\n\n', [message('a', { type: 'x', id: '7', retry: 20 })]],
    ['an id alone', 'id: 7\n\n', [{ ...message(''), data: undefined, id: '7' }]],
    ['an empty id', 'id\ndata: a\n\n', [message('a', { id: '' })]],
    ['an id with NUL', 'id: 7\nid: a\0b\ndata: a\n\n', [message('a', { id: '7' })]],
    ['retry that is no number', 'retry: 1e3\nretry: -1\ndata: a\n\n', [message('a')]],
    ['unknown fields', 'Data: x\ndatas: x\n data: x\ndata: a\n\n', [message('a')]],
    ['what does not end is not dispatched', 'data: a\n\ndata: b\n', [message('a')]],
  ];
  for (const [name, text, expected] of cases) {
    test(name, () => expect(parseText(text).map(said)).toEqual([...expected] as never));
  }

  test('a comment at the start of an event is passed on at once, inside one it stays', () => {
    expect(parseText(': ping\n').map((event) => event.kind === 'event' && Buffer.from(event.raw).toString())).toEqual([': ping\n']);
    const [event] = parseText('id: 1\n: inside\ndata: a\n\n');
    expect(event?.kind === 'event' && Buffer.from(event.raw).toString()).toBe('id: 1\n: inside\ndata: a\n\n');
  });
});

const LINES = [
  'data: a',
  'data',
  'data:{"x":1}',
  'data: ü€😀',
  'id: 1',
  'id',
  'event: e',
  'retry: 5',
  ': c',
  '',
  '',
  ':',
  `data: ${'x'.repeat(700)}`,
  `: ${'y'.repeat(900)}`,
];
const stream = fc.array(fc.tuple(fc.constantFrom(...LINES), fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 40 });
const cuts = fc.array(fc.nat(5000), { maxLength: 30 });

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, index) => bytes.slice(index === 0 ? 0 : at[index - 1], end));
}

/** The grammar in a few lines: the whole text at once. */
function reference(text: string) {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .slice(0, -1);
  const found: unknown[] = [];
  let data: string[] = [];
  let id: string | undefined;
  for (const line of lines) {
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (line !== '' && name === 'data') data.push(value);
    if (line !== '' && name === 'id') id = value;
    if (line !== '') continue;
    if (data.length > 0) found.push({ data: data.join('\n'), id });
    data = [];
    id = undefined;
  }
  return found;
}

test('wire.md §2.6: any split into chunks gives the same events, and those of the grammar', () => {
  fc.assert(
    fc.property(stream, cuts, fc.boolean(), (parts, places, mark) => {
      const text = (mark ? '\uFEFF' : '') + parts.map(([line, end]) => line + end).join('');
      const bytes = Buffer.from(text);
      const events = parse(cut(bytes, places), 100_000);
      const messages = events.flatMap((event) => {
        const { data, id } = said(event) as { data?: string; id?: string };
        return data === undefined ? [] : [{ data, id }];
      });
      expect(messages).toEqual(reference(text) as never);
    }),
    { numRuns: 500, seed: 7 },
  );
});

test('wire.md §5: what is written again reads the same, and plain events are the same bytes', () => {
  fc.assert(
    fc.property(stream, cuts, (parts, places) => {
      const bytes = Buffer.from(parts.map(([line, end]) => line + end).join(''));
      const events = parse(cut(bytes, places), 100_000);
      const again = Buffer.concat(events.map((event) => (event.kind === 'event' ? renderEvent(event, event.data) : new Uint8Array())));
      expect(again.toString()).not.toMatch(/\r(?!\n)/);
      expect(parse([again], 100_000).map(said)).toEqual(events.map(said));
      if (!bytes.includes('\r')) expect(bytes.subarray(0, again.length).equals(again)).toBe(true);
    }),
    { numRuns: 500, seed: 8 },
  );
});

test('an event is written with other data in its place, or none', () => {
  const [event] = parseText('id: 1\ndata: a\n: c\ndata: b\nretry: 3\n\n');
  if (event?.kind !== 'event') throw new Error('no event');
  expect(Buffer.from(renderEvent(event, '{"x":1}')).toString()).toBe('id: 1\ndata: {"x":1}\n: c\nretry: 3\n\n');
  expect(Buffer.from(renderEvent(event, undefined)).toString()).toBe('id: 1\n: c\nretry: 3\n\n');
});

test('SECURITY: a line break in data begins no field', () => {
  expect(parse([renderMessage('a\r\n\nid: 9\rdata: b')]).map(said)).toEqual([message('a\n\nid: 9\ndata: b')]);
});

describe('wire.md §2.13: sizes', () => {
  test('an event that is too long is looked through, whatever the chunks, and the stream goes on', () => {
    const long = `{"id":5,"x":"${'x'.repeat(200_000)}"}`;
    const bytes = Buffer.from(`data: a\n\nid: 3\ndata: ${long}\n\ndata: b\n\n`);
    for (const size of [1, 7, 4096, 1 << 20]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
      const events = parse(chunks);
      expect(events.map(said)).toEqual([message('a'), 'too long', message('b')]);
      const [, second] = events;
      expect(second?.kind === 'too_long' && second.sender.startsWith(long)).toBe(true);
    }
  });

  test('10 MiB in 64 KiB pieces is linear', () => {
    const line = Buffer.from(`data: ${'x'.repeat(10 << 20)}\n\n`);
    const chunks = Array.from({ length: Math.ceil(line.length / 65536) }, (_, n) => line.subarray(n * 65536, (n + 1) * 65536));
    const started = performance.now();
    for (let round = 0; round < 5; round++) expect(parse(chunks, 11 << 20)).toHaveLength(1);
    // 100 ms each where the machine is quiet; a quadratic reader needs seconds.
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('a million empty data lines are no million objects', () => {
    expect(
      parse([Buffer.from('data\n'.repeat(70_000)), Buffer.from('data\n'.repeat(10)), Buffer.from('\ndata: b\n\n')], 10 << 20).map(said),
    ).toEqual(['too long', message('b')]);
  });
});
