/** The harness itself: a ledger that is read while it is written loses and tears no line. */
import { expect, test } from 'bun:test';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setUpRecorder } from '../../harness/recorder.ts';
import { fence, isFence, openLedger } from './ledger.ts';

test('an entry that is there in part is read once it is whole', async () => {
  await using recorder = await setUpRecorder();
  const file = join(recorder.folder, 'ledger.jsonl');
  const ledger = openLedger(recorder);
  expect(ledger.take()).toEqual([]);
  const line = JSON.stringify({ type: 'executed', tool: 'größe', arguments: {}, line: JSON.stringify(fence(7)) });
  const bytes = Buffer.from(`${line}\n${line}\n`);
  for (const byte of bytes.subarray(0, -1)) {
    appendFileSync(file, Buffer.from([byte]));
    for (const entry of ledger.take()) expect(entry).toEqual(JSON.parse(line));
  }
  expect(ledger.take()).toEqual([]);
  appendFileSync(file, bytes.subarray(-1));
  const [last] = ledger.take();
  expect(last && isFence(last, 7)).toBe(true);
  expect(last && isFence(last, 8)).toBe(false);
});

test('what was awaited is not taken', async () => {
  await using recorder = await setUpRecorder();
  const ledger = openLedger(recorder);
  const waiting = ledger.untilFence(3);
  appendFileSync(
    join(recorder.folder, 'ledger.jsonl'),
    `${JSON.stringify({ type: 'executed', tool: 'safe', arguments: {}, line: JSON.stringify(fence(3)) })}\n`,
  );
  await waiting;
  expect(ledger.take()).toHaveLength(1);
});
