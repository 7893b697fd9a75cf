/** How far a stream was read, for its resumption. */
import { expect, test } from 'bun:test';
import { type Place, readEvents } from '../../../src/serve/upstream/read-answer.ts';

async function placeAfter(stream: string): Promise<Place> {
  const place: Place = { lastId: undefined, retry: undefined };
  const body = (async function* () {
    yield Buffer.from(stream);
  })();
  const look = () => ({ push() {}, found: () => ({ id: undefined, isRequest: false }) });
  await readEvents({ status: 200, headers: {}, body, discard() {} }, { maxMessage: 1 << 20, look }, () => {}, place);
  return place;
}

test.each([
  ['the last id that came', 'id: 1\n\nid: 2\ndata: x\n\n', '2'],
  ['none after an empty one', 'id: 1\n\nid\n\n', undefined],
  ['letters of any script', 'id: \u00e9\u4e16 \ud83d\ude00\n\n', '\u00e9\u4e16 \ud83d\ude00'],
  ['one that fits into a header', `id: 1\n\nid: ${'x'.repeat(4_097)}\n\n`, '1'],
  ...['\x01', '\x1b', '\x7f'].map((byte) => [`one without ${JSON.stringify(byte)}`, `id: a${byte}\n\n`, undefined] as const),
])('%s is where it goes on', async (_, stream, id) => {
  expect((await placeAfter(stream)).lastId).toBe(id);
});
