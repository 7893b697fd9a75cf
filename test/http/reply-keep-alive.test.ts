/** wire.md §5: a stream that is silent for 15 s gets a comment, between two events, and no other stream does. */
import { afterEach, expect, test } from 'bun:test';
import type { EventStream } from '../../src/http/reply.ts';
import { type HttpServer, openHttpServer } from '../../src/http/server.ts';
import { send } from '../harness/http.ts';

let server: HttpServer;
afterEach(() => {
  server.stop();
  server.close();
});

async function open() {
  const streams: EventStream[] = [];
  server = await openHttpServer({
    bind: '127.0.0.1',
    port: 0,
    guard: { hosts: [], origins: [], token: undefined },
    passHeaders: [],
    maxBody: 1_000,
    serve: ({ reply }) => void streams.push(reply.stream(200, {})),
    refused: () => {},
  });
  server.beat(0);
  const answer = await send(server.url, { method: 'GET' });
  const [stream] = streams;
  if (!stream) throw new Error('no stream');
  return { answer, stream };
}

test('after 15 s, and after the next 15 s, and not before', async () => {
  const { answer, stream } = await open();
  for (const now of [1_000, 14_000, 14_999]) server.beat(now);
  stream.write('data: first\n\n');
  // What was written since the last beat may be as old as that.
  for (const now of [15_000, 29_000, 29_998]) server.beat(now);
  stream.write('data: second\n\n');
  await answer.untilBody('both', (text) => text.includes('second'));
  for (const now of [30_000, 44_997, 44_998]) server.beat(now);
  await answer.untilBody('the first comment', (text) => text.includes(': keep-alive'));
  for (const now of [59_000, 59_997, 59_998]) server.beat(now);
  stream.end();
  await answer.ended;
  expect(answer.body().toString()).toBe('data: first\n\ndata: second\n\n: keep-alive\n\n: keep-alive\n\n');
});

test('and never on a stream that is over, or on one whose client has not read what came before', async () => {
  const { answer, stream } = await open();
  stream.end();
  await answer.ended;
  for (const now of [15_000, 30_000, 45_000]) server.beat(now);
  expect(answer.body().toString()).toBe('');
});
