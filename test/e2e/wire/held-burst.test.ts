/** wire.md §5, policy.md §12: a call that is kept open holds up nothing else, whatever came with it. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { untilRecords } from '../../harness/audit.ts';
import { send } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { startProxy } from '../../harness/proxy.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const POLICY = 'version: "1"\ntools:\n  danger: {rules: [{action: require_approval}]}\n';
const WAIT = ['--approval-wait', '10m'];
const held = '{"jsonrpc":"2.0","id":"held","method":"tools/call","params":{"name":"danger","arguments":{}}}';
const ping = (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"ping"}`;

test('over stdio: more frames at once than are read ahead, and the input is read on', async () => {
  await using recorder = await setUpRecorder({ version: '2025-11-25' });
  await using proxy = await startProxy({ policy: POLICY, server: recorder.command, flags: WAIT });
  await proxy.client.initialize();
  await proxy.client.request('tools/list');
  proxy.client.sendLine([held, ...Array.from({ length: 700 }, (_, n) => ping(n + 1_000))].join('\n'));
  const answered = (id: number) => until(`an answer to ${id}`, () => proxy.client.frames.find(({ json }) => json?.id === id));
  await answered(1_699);
  proxy.client.sendLine(ping(5_000));
  await answered(5_000);
});

test('over HTTP: a notification is taken at once', async () => {
  await using recorder = await setUpRecorder({ version: '2025-11-25' });
  await using listener = await startListener({ policy: POLICY, server: recorder.command, flags: WAIT });
  const initialize =
    '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}';
  const opened = await send(listener.url, { body: initialize });
  await opened.ended;
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) };
  const list = await send(listener.url, { headers, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
  await list.ended;
  const waiting = send(listener.url, { headers, body: held });
  await untilRecords(listener.home, 'the approval', (all) => all.some(({ type }) => type === 'approval_requested'));
  const note = await send(listener.url, { headers, body: '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}' });
  expect(note.status).toBe(202);
  const cancelled = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"held"}}';
  await send(listener.url, { headers, body: cancelled });
  await (await waiting).ended;
});
