/** What a client says that it can read, however it writes that. */
import { expect, test } from 'bun:test';
import { accepts, asksFor } from '../../../src/serve/listener/front.ts';

const EVENTS = 'text/event-stream';

test.each([
  [undefined, true, false],
  ['*/*', true, false],
  ['text/*', true, false],
  ['TEXT/Event-Stream', true, true],
  ['application/json,text/event-stream;q=0.5', true, true],
  ['application/json ; charset=utf-8 , text/event-stream ; q=0.001', true, true],
  ['application/json', false, false],
  ['text/event-stream;q=0', false, false],
  ['text/event-stream; Q=0.000', false, false],
  ['image/avif,image/webp,image/png,*/*;q=0.8', true, false],
  ['text/event-streams', false, false],
  ['', false, false],
  [',,;', false, false],
])('Accept: %s', (accept, taken, named) => {
  const headers = accept === undefined ? [] : ['Accept', accept];
  expect([accepts(headers, EVENTS), asksFor(headers, EVENTS)]).toEqual([taken, named]);
});

test('several headers are one list', () => {
  expect(asksFor(['Accept', 'application/json', 'accept', EVENTS], EVENTS)).toBe(true);
});
