/** cli.md §2: a server that fails is one line for the operator, whatever it speaks. */
import { expect, test } from 'bun:test';
import { listenHere } from '../../harness/own-listener.ts';

const OPENING = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

async function ask(url: string) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(OPENING) });
  return answer.text();
}

test('a remote server that is not there', async () => {
  await using listener = await listenHere({ upstream: 'http://127.0.0.1:9/mcp' });
  expect(await ask(listener.url)).toContain('refuses connections');
  const said = listener.rig.logged.filter((text) => text.includes('refuses connections'));
  expect(said).toEqual([`${listener.rig.served.shownUpstream}: the server refuses connections: is it running?`]);
});

test('a command that ends before it answers', async () => {
  await using listener = await listenHere({ command: ['node', '-e', 'process.exit(3)'] });
  expect(await ask(listener.url)).toContain('the server ended (status 3)');
  const said = listener.rig.logged.filter((text) => text.includes('status 3'));
  expect(said).toEqual([`${listener.rig.served.shownUpstream}: the server ended (status 3) before it answered`]);
});
