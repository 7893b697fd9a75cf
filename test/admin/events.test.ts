/** The event stream (cli.md §3): what becomes of records, from now on or from where a reader left off. */
import { expect, test } from 'bun:test';
import { connect } from 'node:net';
import type { Loose } from '../harness/message.ts';
import { until } from '../harness/wait.ts';
import { held } from '../state/calls.ts';
import { TOKEN, useDesk } from './fixture.ts';

const desk = useDesk();

interface Listening extends AsyncDisposable {
  readonly headers: Headers;
  readonly events: readonly { readonly id: string; readonly event: string; readonly data: Loose }[];
  untilEvents(count: number): Promise<Listening['events']>;
}

async function listen(path = '/v1/events', lastId?: string): Promise<Listening> {
  const ending = new AbortController();
  const headers = { authorization: `Bearer ${TOKEN}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
  const response = await fetch(desk.origin + path, { headers, signal: ending.signal });
  const events: Listening['events'][number][] = [];
  const reading = (async () => {
    let text = '';
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(chunk).toString('utf8');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = Object.fromEntries(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => line.split(/: (.*)/s).slice(0, 2)),
        );
        if (fields.id) events.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) });
        text = text.slice(end + 2);
      }
    }
  })().catch(() => undefined);
  return {
    headers: response.headers,
    events,
    untilEvents: (count) => until(`${count} events`, () => (events.length >= count ? events : undefined), 60_000),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await reading;
    },
  };
}

test('cli.md §3: a reader is told of what happens from now on, with the record', async () => {
  await desk.hold('before');
  await using stream = await listen();
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  const id = await desk.hold('f');
  await desk.store.approvals.decide({ id, verdict: 'approve', by: 'anna', reason: '' });
  await desk.store.reserve([held('f')]);
  const events = await stream.untilEvents(3);
  expect(events.map(({ event, data }) => [event, data.approval.id, data.approval.state])).toEqual([
    ['approval.requested', id, 'pending'],
    ['approval.approved', id, 'approved'],
    ['approval.consumed', id, 'consumed'],
  ]);
  expect(events.map(({ id, data }) => Number(id) === data.sequence)).toEqual([true, true, true]);
}, 60_000);

test('cli.md §3: a reader that comes back misses nothing, and is told nothing twice', async () => {
  const [first, second] = [await desk.hold('f'), await desk.hold('g')];
  await using stream = await listen('/v1/events?after=0');
  const [one] = await stream.untilEvents(2);
  await using again = await listen('/v1/events', one?.id);
  const third = await desk.hold('h');
  expect((await again.untilEvents(2)).map(({ data }) => data.approval.id)).toEqual([second, third]);
  expect((await stream.untilEvents(3)).map(({ data }) => data.approval.id)).toEqual([first, second, third]);
}, 60_000);

test('cli.md §3: a wrong place and too many readers are refused', async () => {
  expect((await desk.ask('/v1/events', { headers: { 'last-event-id': 'x' } })).status).toBe(400);
  await using streams = new AsyncDisposableStack();
  for (let i = 0; i < 16; i++) streams.use(await listen());
  expect((await desk.ask('/v1/events')).status).toBe(503);
}, 60_000);

test('cli.md §3: a reader that does not keep up is cut off, and the others are not', async () => {
  await using quick = await listen('/v1/events');
  const slow = connect(desk.port, '127.0.0.1');
  let read = 0;
  const started = new Promise<void>((resolve) =>
    slow.on('data', (chunk) => {
      read += chunk.length;
      resolve();
    }),
  );
  const gone = new Promise((resolve) => slow.on('close', resolve));
  slow.on('error', () => undefined);
  slow.write(`GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  await started;
  slow.pause();
  const args = JSON.stringify({ text: 'x'.repeat(1_000_000) });
  for (let i = 0; i < 40; i++) await desk.hold(`f${i}`, { agent: `a${i}`, args });
  await quick.untilEvents(40);
  const ids = (await desk.store.approvals.list({ state: 'pending' })).map(({ id }) => id);
  // It is cut off at the look after the one that filled its buffer: that which tells the others of something new.
  await desk.store.approvals.decide({ id: ids[0] ?? '', verdict: 'deny', by: 'anna', reason: '' });
  await quick.untilEvents(41);
  slow.resume();
  await gone;
  expect(read).toBeLessThan(38_000_000);
  slow.destroy();
}, 120_000);
