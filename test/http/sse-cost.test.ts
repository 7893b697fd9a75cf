/** INVARIANT I11: an event stream costs no more than so many times its length, whatever its pieces are. */
import { setDefaultTimeout, test } from 'bun:test';
import { createEventParser } from '../../src/http/sse.ts';
import { renderEvent, renderMessage } from '../../src/http/sse-render.ts';
import { createIdFinder } from '../../src/mcp/messages/id-finder.ts';
import { expectLinear } from '../harness/cost.ts';

setDefaultTimeout(120_000);

const encoder = new TextEncoder();

test.each([
  ['empty lines', '\n', 64 * 1024],
  ['carriage returns', '\r', 64 * 1024],
  ['comments', ':\n', 64 * 1024],
  ['tiny events', 'data:\n\n', 64 * 1024],
  ['tiny events in tiny pieces', 'data:x\n\n', 3],
  ['one event of many data lines', 'data: x\n', 64 * 1024],
  ['one event of many ids', 'id: 1\n', 64 * 1024],
  ['one line', 'x', 64 * 1024],
  ['one line in tiny pieces', 'data', 1],
  ['byte order marks', '\ufeff', 1000],
])('%s', (_name, text, piece) => {
  expectLinear(
    (bytes) => encoder.encode(`${text.repeat(bytes / text.length)}\n\n`),
    (bytes) => {
      const parser = createEventParser(10 * 1024 * 1024, createIdFinder);
      for (let at = 0; at < bytes.length; at += piece)
        for (const event of parser.push(bytes.subarray(at, at + piece))) if (event.kind === 'event') renderEvent(event, 'x');
    },
  );
});

test('data of many lines, written', () => {
  expectLinear(
    (bytes) => '\r'.repeat(bytes),
    (text) => renderMessage(text),
  );
});
