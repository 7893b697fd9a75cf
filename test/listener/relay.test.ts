/** The listener in front of a server of the same transport: every exchange passes as it is, or is judged (wire.md §1, §2, §5). */
import { describe, expect, test } from 'bun:test';
import { eventData, exchange, send } from '../harness/http.ts';
import { startListener } from '../harness/program.ts';
import { type Answer, startUpstream } from '../harness/upstream.ts';

const POLICY = `version: "1"
default: allow
hide: [secret]
tools:
  refund:
    rules:
      - { name: small only, conditions: [{ path: args.amount, op: lte, value: 100 }], on_deny: too much }
`;

const call = (id: number | string, name: string, args: object = {}) => JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
});
const INITIALIZED = '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}';

const json = (text: string, headers: Record<string, string> = {}, status = 200): Answer => (_, response) =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);

describe('relay', () => {
  test('what passes arrives byte for byte, both ways, with status and session id', async () => {
    const odd = '{"result":{"content":[],"big":12345678901234567890,"a":1.0,"\\u0061b":"\\u00e9"},"id":7,"jsonrpc":"2.0"}';
    await using upstream = await startUpstream(json(odd, { 'mcp-session-id': 'up-1' }));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', `${upstream.url}/deep/mcp?key=1`] });
    const body = '{ "params":{"arguments":{"amount":1.00},"name":"refund"},\n "id":7,"method":"tools/call","jsonrpc":"2.0" }';
    const answer = await exchange(listener.url, { body, headers: { 'x-other': '1', cookie: 'a=b', 'user-agent': 'agent/1' } });
    expect(answer.text).toBe(odd);
    const [got] = upstream.received;
    expect(got?.body).toBe(body);
    expect(got?.path).toBe('/deep/mcp?key=1');
    expect(got?.headers['user-agent']).toBe('agent/1');
    expect(got?.headers['x-other']).toBeUndefined();
    expect(got?.headers.cookie).toBeUndefined();
    expect(got?.headers.host).toBe(new URL(upstream.url).host);
  });
  test('a denied call never reaches the server', async () => {
    await using upstream = await startUpstream(json('{}'));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const answer = await exchange(listener.url, { body: call(1, 'refund', { amount: 1_000 }) });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('too much');
    expect(upstream.received).toHaveLength(0);
  });
});
