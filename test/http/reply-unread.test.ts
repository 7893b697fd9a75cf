/** What one agent may leave unread (wire.md §2.13): together, over all its responses, however small the pieces are. */
import { expect, test } from 'bun:test';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createUnread } from '../../src/http/reply.ts';

const KIB = 1_024;
const openResponse = () => Object.assign(new EventEmitter(), { writableLength: 0 });
/** Writes where that is admitted; answers whether it was. */
const write = (unread: ReturnType<typeof createUnread>, response: ReturnType<typeof openResponse>, bytes: number) => {
  const admitted = unread.admits(bytes, response as unknown as ServerResponse);
  if (admitted) response.writableLength += bytes;
  return admitted;
};

test('small events that nobody reads count once they are more than a connection costs', () => {
  const unread = createUnread(256 * KIB);
  const responses = Array.from({ length: 16 }, openResponse);
  for (let round = 0; round < 1_000; round++) for (const response of responses) write(unread, response, KIB);
  const waiting = responses.reduce((sum, { writableLength }) => sum + writableLength, 0);
  expect(waiting).toBeLessThanOrEqual((256 + 16 * 16) * KIB);
});

test('what is read, or closed, makes room', () => {
  const unread = createUnread(100 * KIB);
  const [one, other] = [openResponse(), openResponse()];
  expect([write(unread, one, 90 * KIB), write(unread, other, 20 * KIB), write(unread, other, KIB)]).toEqual([true, false, true]);
  one.emit('close');
  expect(write(unread, other, 20 * KIB)).toBe(true);
});
