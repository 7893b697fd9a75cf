/**
 * Faithfulness (wire.md §1) where no SDK would go: odd but legitimate bytes, in both directions, with a server that
 * keeps the lines it received.
 */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import type { RawClient } from '../harness/client.ts';
import { envelope } from '../harness/modern.ts';
import { interceptCommand } from '../harness/paths.ts';
import { ALLOW_ALL, startProxy, startServer } from '../harness/proxy.ts';
import type { RecorderConfig } from '../harness/recorder/config.ts';
import { type Recorder, setUpRecorder } from '../harness/recorder.ts';

const proxyExists = existsSync(interceptCommand().at(-1) as string);

/** What the server writes for one call; `$ID` is the call's id. */
const ANSWERS = [
  '{"id":$ID,"result":{"content":[{"text":"x","type":"text"}],"big":9007199254740993,"one":1.0,"e":1E+400,"z":-0},"jsonrpc":"2.0"}',
  ' { "jsonrpc" : "2.0" ,\t"id" : $ID , "result" : { "content" : [ ] , "__proto__" : { "a" : 1 } , "com.example/x" : null } } ',
  '{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"\\ud800 \\u00e9 \\/ é 🎉 \u2028 \\u0000"}],"_meta":{"com.example/a":[]}}}',
  `{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"deep":${'['.repeat(200)}${']'.repeat(200)}}}`,
  '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32001,"message":"no \\u2028","data":{"n":0.1000,"retry":[1e2]},"more":1}}',
  '{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"isError":true,"unknown":{"resultType":"odd"}}}',
];
const BEFORE = [
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1.0,"progress":1e0,"message":"\\u00e9"}}',
  '{"jsonrpc":"2.0","method":"com.example/news","params":{"b":1,"a":[2,{"c":9007199254740993}]}}',
  '{"method":"notifications/message","jsonrpc":"2.0","params":{"level":"info","data":"x","logger":null}}',
];

/** What the client writes, apart from the calls. */
const MESSAGES = [
  '{"jsonrpc":"2.0","method":"com.example/note","params":{"z":1.0,"a":9007199254740993}}',
  ' {"params":{"_meta":{"progressToken":"é","com.example/t":[1E2]},"arguments":{"é":"\\u00e9","n":123456789012345678901234567890,"__proto__":1},"name":"t", "task":null},"method":"tools/call","jsonrpc":"2.0","id":"\\u00e9"} ',
  '{"jsonrpc":"2.0","id":9007199254740991,"method":"com.example/ask","params":{"p":[1,2.0]},"more":{}}',
  '{"jsonrpc":"2.0","id":-7,"method":"ping"}',
  '{"jsonrpc":"2.0","id":"x","method":"resources/read","params":{"uri":"demo://é\\u002fb"}}',
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"gone","reason":"no\\nneed"}}',
];

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
