/**
 * The bare fetch relay, which the listener is compared with: the same runtime, node:http before and fetch behind,
 * bodies passed on as they come and nothing else. Usage: `relay <url>`; prints its own URL.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const upstream = String(process.argv.at(-1));
const PASSED = ['accept', 'content-type', 'mcp-session-id', 'mcp-protocol-version', 'last-event-id'];

async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers: Record<string, string> = {};
  for (const name of PASSED) if (request.headers[name] !== undefined) headers[name] = String(request.headers[name]);
  const { method = 'GET' } = request;
  const pieces: Uint8Array[] = [];
  if (method === 'POST') for await (const piece of request) pieces.push(piece as Uint8Array);
  const answer = await fetch(upstream, { method, headers, ...(method === 'POST' && { body: Buffer.concat(pieces) }) });
  const session = answer.headers.get('mcp-session-id');
  response.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'application/json',
    ...(session !== null && { 'mcp-session-id': session }),
  });
  for await (const piece of answer.body ?? []) response.write(piece);
  response.end();
}

const server = createServer((request, response) => {
  relay(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`));
process.once('SIGTERM', () => process.exit(0));
