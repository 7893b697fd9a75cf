/** What a client says that it can read, however it writes that. */
import { expect, test } from 'bun:test';
import type { ServedRequest } from '../../../src/http/server.ts';
import { createAgents } from '../../../src/serve/listener/agents.ts';
import { accepts, asksFor, readPosted } from '../../../src/serve/listener/front.ts';
import { openRig } from '../../proxy/fixture.ts';

const EVENTS = 'text/event-stream';

test.each([
  [undefined, true, false],
  ['*/*', true, false],
  ['text/*', true, false],
  ['TEXT/Event-Stream', true, true],
  ['application/json,text/event-stream;q=0.5', true, true],
  ['application/json ; charset=utf-8 , text/event-stream ; q=0.001', true, true],
  ['application/json', false, false],
  ['text/event-stream;q=0', false, false],
  ['text/event-stream; Q=0.000', false, false],
  ['image/avif,image/webp,image/png,*/*;q=0.8', true, false],
  ['text/event-streams', false, false],
  ['', false, false],
  [',,;', false, false],
])('Accept: %s', (accept, taken, named) => {
  const headers = accept === undefined ? [] : ['Accept', accept];
  expect([accepts(headers, EVENTS), asksFor(headers, EVENTS)]).toEqual([taken, named]);
});

test('several headers are one list', () => {
  expect(asksFor(['Accept', 'application/json', 'accept', EVENTS], EVENTS)).toBe(true);
});

test('wire.md §2: what follows a large body in its legacy session waits until that was read, and nothing else does', async () => {
  const rig = await openRig();
  const agent = createAgents({ ...rig, name: undefined, passed: false, inUse: () => true }).of([]);
  const order: string[] = [];
  const post = (name: string, session: string, meta: object, size = 0) => {
    const params = { _meta: meta, text: 'x'.repeat(size) };
    const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/x', params }));
    const request = { rawHeaders: ['mcp-session-id', session], query: new URLSearchParams() } as unknown as ServedRequest;
    const read = readPosted(request, bytes, agent);
    return read instanceof Promise ? read.then(() => void order.push(name)) : order.push(name);
  };
  const modern = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
  const all = [
    ...[post('first', 's1', {}, 4 << 20), post('second', 's1', {}), post('large', 's1', {}, 1 << 19), post('last', 's1', {})],
    ...[post('other session', 's2', {}), post('modern', 's1', modern)],
  ];
  await Promise.all(all);
  expect(order).toEqual(['other session', 'modern', 'first', 'second', 'large', 'last']);
  expect(agent.reading.size).toBe(0);
});
