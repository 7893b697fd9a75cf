/** wire.md §1: comments, ids and times of a server's streams reach clients of HTTP+SSE; what cannot be read as a message does not. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { eventData, exchange, type HttpAnswer, send } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { type Answer, startUpstream } from '../../harness/upstream.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}';
const INITIALIZED =
  '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2024-11-05","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}';
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{}}}';
const DONE = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const EVENTS = `: still here\n\nid: a\nretry: 70\n\ndata: no JSON\n\nevent: other\ndata: {"tools":[]}\n\nid: é\nevent: message\ndata: ${DONE}\n\n: after\n\n`;

/** Answers the handshake, and a call with the events, on the one stream of HTTP+SSE. */
function older(): Answer {
  let stream: ServerResponse | undefined;
  return ({ method, path, body }, response) => {
    if (method === 'GET') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.write('event: endpoint\ndata: /message\n\n');
    }
    response.writeHead(path === '/message' ? 202 : 405).end();
    if (path !== '/message') return;
    if (body.includes('"initialize"')) stream?.write(`data: ${INITIALIZED}\n\n`);
    if (body.includes('"tools/call"')) stream?.write(EVENTS);
  };
}

/** The same on the stream of the call's own POST. */
const newer: Answer = ({ method, body }, response) => {
  if (method !== 'POST') return void response.writeHead(405).end();
  if (body.includes('"initialize"')) return void response.writeHead(200, { 'content-type': 'application/json' }).end(INITIALIZED);
  if (!body.includes('"tools/call"')) return void response.writeHead(202).end();
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(EVENTS);
};

async function openLegacy(url: string): Promise<{ readonly stream: HttpAnswer; readonly endpoint: string }> {
  const stream = await send(new URL('/sse', url).href, { method: 'GET', headers: { accept: 'text/event-stream' } });
  const first = await stream.untilBody('the endpoint', (text) => text.endsWith('\n\n'));
  const endpoint = new URL(/data: (\S+)/.exec(first)?.[1] ?? '', url).href;
  await exchange(endpoint, { body: INITIALIZE });
  await stream.untilBody('the handshake', (text) => text.includes('protocolVersion'));
  return { stream, endpoint };
}

describe.each([
  ['HTTP+SSE', older],
  ['Streamable HTTP', () => newer],
] as const)('before a server of %s', (_, server) => {
  test('a client of HTTP+SSE gets them with the messages', async () => {
    await using upstream = await startUpstream(server());
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const { stream, endpoint } = await openLegacy(listener.url);
    const from = stream.body().length;
    await exchange(endpoint, { body: CALL });
    await stream.untilBody('all of it', (text) => text.includes(': after') && text.includes(DONE));
    const text = stream.body().subarray(from).toString();
    for (const line of [': still here', 'id: a', 'retry: 70', 'id: é', ': after']) expect(text.split('\n')).toContain(line);
    expect(eventData(text)).toEqual([DONE]);
    stream.close();
  });
});

test('a client of Streamable HTTP gets comments, and no id that would promise what is not there', async () => {
  await using upstream = await startUpstream(older());
  await using listener = await startListener({ flags: ['--transport', 'sse', '--upstream', upstream.url] });
  const opened = await exchange(listener.url, { body: INITIALIZE });
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) };
  const stream = await send(listener.url, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } });
  expect((await exchange(listener.url, { body: CALL, headers })).text).toBe(DONE);
  const text = await stream.untilBody('the last comment', (body) => body.includes(': after'));
  expect(text).toContain(': still here');
  expect(text).not.toMatch(/^id/m);
  stream.close();
});
