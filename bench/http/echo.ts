/**
 * The fastest MCP server over Streamable HTTP that answers a call with a fixed result, and with 10 MiB where asked. A
 * session is whatever id the client brings; its GET stream stays open. Prints its URL.
 */
const text = (content: string) => `{"content":[{"type":"text","text":"${content}"}]}`;
const SCHEMA =
  '{"type":"object","properties":{"charge":{"type":"string"},"amount":{"type":"integer"},"currency":{"type":"string"},"reason":{"type":"string"}},"required":["amount"]}';
const LARGE = text('x'.repeat(10 * 1024 ** 2 - 1024));

const results: Readonly<Record<string, string>> = {
  initialize: '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"bench-echo","version":"1.0.0"}}',
  'tools/list': `{"tools":[{"name":"create_refund","description":"refunds a charge","inputSchema":${SCHEMA}},{"name":"export","description":"exports all","inputSchema":{"type":"object"}}]}`,
  'tools/call': text('refund re_1Nispe2eZvKYlo2Cd31jOCgZ created'),
  ping: '{}',
};

const encoder = new TextEncoder();
let sessions = 0;

async function post(request: Request): Promise<Response> {
  const { id, method, params } = (await request.json()) as { id?: number; method: string; params?: { name?: string } };
  if (id === undefined) return new Response(null, { status: 202 });
  const result = params?.name === 'export' ? LARGE : results[method];
  const body = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${result ? `"result":${result}` : '"error":{"code":-32601,"message":"no such method"}'}}`;
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (method === 'initialize') headers['mcp-session-id'] = `s-${++sessions}`;
  return new Response(body, { headers });
}

/** A stream that says hello and then nothing. */
function listen(): Response {
  const body = new ReadableStream({ start: (controller) => controller.enqueue(encoder.encode(': hello\n\n')) });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  idleTimeout: 0,
  fetch: (request) => {
    if (request.method === 'POST') return post(request);
    return request.method === 'GET' ? listen() : new Response(null, { status: 200 });
  },
});
console.log(`http://127.0.0.1:${server.port}/mcp`);
process.once('SIGTERM', () => process.exit(0));
