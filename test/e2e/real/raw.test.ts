/**
 * Faithfulness (wire.md §1) where no SDK would go: odd but legitimate bytes, in both directions, with a server that
 * keeps the lines it received.
 */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import type { RawClient } from '../../harness/client.ts';
import { envelope } from '../../harness/modern.ts';
import { interceptCommand } from '../../harness/paths.ts';
import { ALLOW_ALL, startProxy, startServer } from '../../harness/proxy.ts';
import type { RecorderConfig } from '../../harness/recorder/config.ts';
import { type Recorder, setUpRecorder } from '../../harness/recorder.ts';
import { ANSWERS, BEFORE, MESSAGES } from './corpus.ts';

const proxyExists = existsSync(interceptCommand().at(-1) as string);

const CONFIG: Omit<RecorderConfig, 'ledger'> = {
  tools: [{ name: 't', behaviour: { do: 'sequence', steps: ANSWERS.map((line) => ({ do: 'raw', lines: [...BEFORE, line] })) } }],
};

/** Drives one session; resolves with what came out and what the server got. */
async function drive(client: RawClient, recorder: Recorder, params: string): Promise<{ out: string[]; received: string[] }> {
  await client.initialize();
  for (let i = 0; i < ANSWERS.length; i++) {
    client.sendLine(`{"jsonrpc":"2.0","id":${i},"method":"tools/call","params":${params}}`);
    await client.next((frame) => frame.json?.id === i);
  }
  for (const line of MESSAGES) client.sendLine(line);
  await client.request('ping');
  const received = (await recorder.ledger()).filter((entry) => entry.type === 'received').map((entry) => entry.line);
  return { out: client.frames.slice(1).map((frame) => frame.text), received };
}

for (const [era, params] of [
  ['legacy', '{"name":"t"}'],
  ['modern', JSON.stringify({ name: 't', _meta: envelope() })],
] as const) {
  test.skipIf(!proxyExists)(`${era}: odd lines arrive as they were written, in both directions`, async () => {
    await using bare = await setUpRecorder(CONFIG);
    await using direct = startServer(bare.command);
    const alone = await drive(direct, bare, params);
    await using behind = await setUpRecorder(CONFIG);
    await using proxy = await startProxy({ policy: ALLOW_ALL, server: behind.command });
    const through = await drive(proxy.client, behind, params);
    expect(through.out).toEqual(alone.out);
    expect(through.received).toEqual(alone.received);
  });
}
