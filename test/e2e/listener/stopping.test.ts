/** wire.md §4: no server of ours outlives the listener, also where its session was over before. */
import { expect, test } from 'bun:test';
import { exchange } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';

const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}';

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a server that ignores its end is ended, though its session was deleted just before the listener stops', async () => {
  await using recorder = await setUpRecorder({ ignoreEnd: true });
  await using listener = await startListener({ server: ['sh', '-c', 'echo $$ >&2; exec "$@"', 'sh', ...recorder.command] });
  const opened = await exchange(listener.url, { body: INITIALIZE });
  const pid = await until('the process of the server', () => {
    const found = /^\d+$/m.exec(listener.output())?.[0];
    return found === undefined ? undefined : Number(found);
  });
  expect(lives(pid)).toBe(true);
  await exchange(listener.url, { method: 'DELETE', headers: { 'mcp-session-id': String(opened.headers['mcp-session-id']) } });
  listener.kill('SIGTERM');
  await until('the end of the server', () => (lives(pid) ? undefined : true));
  expect(await listener.exited).toBe(0);
}, 120_000);
