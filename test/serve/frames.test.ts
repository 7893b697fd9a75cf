import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createLineSplitter } from '../../src/mcp/messages/lines.ts';
import { joinFrames } from '../../src/serve/flow.ts';

const encoder = new TextEncoder();

const textOf = (bytes: Uint8Array | string) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString());

test('I7: whatever is left out, replaced or cut anywhere, each frame is sent as it was, one line each', () => {
  const line = fc
    .tuple(fc.constantFrom('a', 'bb', '{"c":1}', '', ' ', 'x'.repeat(40)), fc.constantFrom('\n', '\r\n'))
    .map((parts) => parts.join(''));
  const property = fc.property(
    fc.array(line, { minLength: 1, maxLength: 12 }),
    fc.array(fc.nat(60), { maxLength: 5 }),
    fc.infiniteStream(fc.constantFrom('forward', 'forward', 'forward', 'drop', 'write')),
    (lines, cuts, fates) => {
      const bytes = encoder.encode(lines.join(''));
      const splitter = createLineSplitter(1000);
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
      for (let index = 1; index < places.length; index++) {
        // A copy, as each chunk of a stream is memory of its own, with more of the stream's behind it.
        const chunk = new Uint8Array([...bytes.subarray(places[index - 1], places[index])]);
        const frames = splitter.push(chunk).flatMap((found) => {
          const [fate] = fates;
          if (found.kind !== 'line' || fate === 'drop') return [];
          return [fate === 'write' ? 'ours' : found.bytes];
        });
        if (frames.length === 0) continue;
        expect(textOf(joinFrames(frames))).toBe(frames.map((frame) => `${textOf(frame)}\n`).join(''));
      }
    },
  );
  fc.assert(property, { numRuns: 3_000 });
});

test('frames that lie beside each other are sent without a copy', () => {
  const chunk = encoder.encode('one\ntwo\nthree\n');
  const frames = createLineSplitter(100)
    .push(chunk)
    .map((found) => (found.kind === 'line' ? found.bytes : ''));
  const joined = joinFrames(frames);
  expect(joined instanceof Uint8Array && joined.buffer === chunk.buffer).toBe(true);
  expect(textOf(joined)).toBe('one\ntwo\nthree\n');
});
