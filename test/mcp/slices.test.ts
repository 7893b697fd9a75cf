import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { finish, type Slices } from '../../src/core/slices.ts';
import { elementsAt } from '../../src/mcp/json/edit.ts';
import { elementsInSlices } from '../../src/mcp/json/scan-slices.ts';
import type { Member } from '../../src/mcp/json/scan-types.ts';
import { readJson, readJsonInSlices } from '../../src/mcp/json/values.ts';
import { readClientFrame, readClientFrameInSlices, readToolCall } from '../../src/mcp/messages/client.ts';
import { readServerFrame, readServerFrameInSlices } from '../../src/mcp/messages/server.ts';
import { expectShortSlices } from '../harness/cost.ts';
import { SHAPES } from '../harness/large-frames.ts';
import { FRAMES, TOKENS } from './real-frames.ts';

setDefaultTimeout(60_000);

const LIMITS = { maxDepth: 256, maxName: 1024 };
const encoder = new TextEncoder();

/** Without what only the reading in slices leaves behind, so that its readers need not look again. */
function plain(frame: unknown): unknown {
  return JSON.parse(
    JSON.stringify(frame, (key, value) => {
      if (key === 'values') return undefined;
      if (value instanceof Map)
        return [...value].map(([name, member]) => [name, isMember(member) ? { ...member, members: undefined } : member]);
      return isMember(value) && value.key === '_meta' ? { ...value, members: undefined } : value;
    }),
  );
}

function isMember(value: unknown): value is Member {
  return typeof value === 'object' && value !== null && 'keyStart' in value;
}

const broken = fc
  .tuple(fc.constantFrom(...FRAMES), fc.array(fc.tuple(fc.nat(), fc.constantFrom(...TOKENS), fc.nat(3)), { maxLength: 4 }))
  .map(([frame, changes]) => {
    let text = frame;
    for (const [at, token, cut] of changes)
      text = text.slice(0, at % (text.length + 1)) + token + text.slice((at % (text.length + 1)) + cut);
    return text;
  });

describe('I7: what is read in slices is what is read at once', () => {
  test('any frame of a client', () => {
    fc.assert(
      fc.property(broken, (text) => {
        const bytes = encoder.encode(text);
        const [whole, sliced] = [readClientFrame(bytes, LIMITS), finish(readClientFrameInSlices(bytes, LIMITS))];
        expect(plain(sliced)).toEqual(plain(whole));
        if (whole.kind === 'request' && sliced.kind === 'request') expect(readToolCall(sliced)).toEqual(readToolCall(whole));
      }),
      { numRuns: 3000 },
    );
  });

  test('any frame of a server', () => {
    fc.assert(
      fc.property(broken, (text) => {
        const bytes = encoder.encode(text);
        expect(plain(finish(readServerFrameInSlices(bytes)))).toEqual(plain(readServerFrame(bytes)));
      }),
      { numRuns: 3000 },
    );
  });

  test('any value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(finish(readJsonInSlices(text, 0, { left: 10_000 }))).toEqual(readJson(text));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(Object.entries(SHAPES))('a frame of many slices: %s', (name, make) => {
    const value = make(300_000);
    const call = encoder.encode(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${value},"_meta":{"a":1}}}`,
    );
    const answer = encoder.encode(`{"jsonrpc":"2.0","id":1,"result":{"structuredContent":${value},"_meta":${value}}}`);
    const [whole, sliced] = [readClientFrame(call, LIMITS), run(readClientFrameInSlices(call, LIMITS))];
    expect(plain(sliced.value)).toEqual(plain(whole));
    if (!/^(white space|one number)$/.test(name)) expect(sliced.pauses).toBeGreaterThan(5);
    if (whole.kind === 'request' && sliced.value.kind === 'request') expect(readToolCall(sliced.value)).toEqual(readToolCall(whole));
    const list = `[${value},1,{"a":${value}}]`;
    expect(finish(elementsInSlices(list, 0))).toEqual(elementsAt(list, 0));
    // What has too many members to be looked through is refused where it is large, and no error is lost.
    const read = finish(readServerFrameInSlices(answer));
    if (read.kind === 'unreadable') expect(read).toMatchObject({ why: 'it has more than 32768 members', id: { key: 'n:1' } });
    else expect(plain(read)).toEqual(plain(readServerFrame(answer)));
  });
});

describe('wire.md §2.13: members that are looked at keep the loop for no long slice', () => {
  const MOST = 10 * 1024 * 1024;
  const members = (count: number, padding: number) =>
    Array.from({ length: count }, (_, index) => `"\\u006b${index}":"${'x'.repeat(padding)}"`).join(',');

  test.each([
    ['result', (text: string) => `{"jsonrpc":"2.0","id":1,"result":{${text}}}`, 'response' as const],
    ['params', (text: string) => `{"jsonrpc":"2.0","method":"notifications/message","params":{${text}}}`, 'notification' as const],
    ['message', (text: string) => `{"jsonrpc":"2.0","id":1,"result":{},${text}}`, 'response' as const],
  ])("of a server's %s", (_name, make, kind) => {
    // As many as may be, and one more.
    const bytes = encoder.encode(make(members(32_765, 290)));
    expect(bytes.length).toBeGreaterThan(MOST * 0.9);
    expect(finish(readServerFrameInSlices(bytes)).kind).toBe(kind);
    expectShortSlices(() => readServerFrameInSlices(bytes));
    expect(finish(readServerFrameInSlices(encoder.encode(make(members(32_769, 1))))).kind).toBe('unreadable');
  });

  test('of a batch', () => {
    const batch = (count: number, body: string) => encoder.encode(`[${Array.from({ length: count }, () => body).join(',')}]`);
    const of = (name: string) => (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"x","${name}":{${members(4000, 0)}}}`;
    const [request, answer] = [of('params')(1), of('result')(1).replace('"method":"x",', '')];
    const read = (bytes: Uint8Array) => readClientFrameInSlices(bytes, LIMITS);
    for (const count of [24, MOST / request.length]) {
      expect(finish(read(batch(count, request))).kind).toBe(count === 24 ? 'batch' : 'refused');
      expect(finish(readServerFrameInSlices(batch(count, answer))).kind).toBe(count === 24 ? 'batch' : 'unreadable');
      expectShortSlices(() => read(batch(count, request)));
      expectShortSlices(() => readServerFrameInSlices(batch(count, answer)));
    }
  });
});

function run<T>(work: Slices<T>): { value: T; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const step = work.next();
    if (step.done) return { value: step.value, pauses };
  }
}
