/** I11: what a relayed session keeps of POSTs whose streams ended before their answers, and of those that are over. */
import { expect, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { openHttpClient } from '../../../src/http/client.ts';
import type { Reply } from '../../../src/http/reply.ts';
import { createTurns } from '../../../src/http/turns.ts';
import { createAgents } from '../../../src/serve/listener/agents.ts';
import { openRelay } from '../../../src/serve/listener/relay.ts';
import { startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';
import { openRig } from '../../proxy/fixture.ts';
import { textOf } from '../../proxy/posts.ts';

const EVENTS = { 'content-type': 'text/event-stream' };
const ACCEPT = ['accept', 'application/json, text/event-stream'];
const RESUMED = ['mcp-session-id', 's1', 'last-event-id', 'a1', ...ACCEPT];
const FIVE_MINUTES = 5 * 60_000;

/** A server whose POST streams end at once, so that all answers come on one that is resumed. */
async function open() {
  const streams: ServerResponse[] = [];
  const upstream = await startUpstream(({ method, body }, response) => {
    if (body.includes('"initialize"'))
      return void response
        .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's1' })
        .end('{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}');
    if (method === 'POST') return void response.writeHead(200, EVENTS).end('id: a1\ndata:\n\n');
    streams.push(response.writeHead(200, EVENTS));
    response.flushHeaders();
  });
  const rig = await openRig();
  const client = openHttpClient(new URL(upstream.url), {});
  const rules = { passed: [], authorization: false, host: false };
  const rewrite = (headers: Record<string, string>) => headers;
  const way = { client, rules, maxMessage: 1 << 24, mask: (text: string) => text, turns: createTurns(), rewrite };
  const old = { serve: async () => {}, post: async () => {} };
  const relay = openRelay(way, createAgents({ ...rig, name: undefined, passed: false, inUse: () => true }), { most: 64, kinds: [] }, old);
  const heard: string[] = [];
  const serve = (method: string, rawHeaders: readonly string[], bytes?: Uint8Array) => {
    const gone: (() => void)[] = [];
    const reply: Reply = {
      countIn() {},
      started: false,
      over: false,
      send: (_, __, body) => void (body !== undefined && heard.push(textOf(body))),
      refuse: (status, why) => void heard.push(`${status} ${why}`),
      stream: () => ({
        write: (event) => heard.push(textOf(event)) > 0,
        drained: async () => {},
        waiting: 0,
        end() {},
        abort() {},
      }),
      onGone: (f) => void gone.push(f),
      onOver: (f) => void gone.push(f),
    };
    const body = async () => ({ kind: 'body' as const, bytes: bytes as Uint8Array });
    const served = relay.serve({ method, path: '/mcp', query: new URLSearchParams(), rawHeaders, body, reply });
    return { served, leave: () => gone.map((f) => f()) };
  };
  const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } };
  await serve('POST', ACCEPT, Buffer.from(JSON.stringify(initialize))).served;
  return { rig, relay, serve, heard, streams, [Symbol.asyncDispose]: upstream.close };
}

/** Posts a call of a megabyte; what is held of it can be seen from outside. */
async function postLarge(id: string, { serve }: Awaited<ReturnType<typeof open>>): Promise<WeakRef<Uint8Array>> {
  const params = { name: 't', arguments: { text: 'x'.repeat(1 << 20) } };
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }));
  await serve('POST', [...ACCEPT, 'mcp-session-id', 's1'], bytes).served;
  return new WeakRef(bytes);
}

const COUNT = 40;
const ids = Array.from({ length: COUNT }, (_, n) => `0f9a51c2-1111-4222-8333-0000000000${n + 10}`);

test('of an answered POST whose stream ended before its answer nothing is kept, though the session lives on', async () => {
  await using rig = await open();
  const bodies: WeakRef<Uint8Array>[] = [];
  for (const id of ids) bodies.push(await postLarge(id, rig));
  const resumed = rig.serve('GET', RESUMED);
  const stream = await until('the stream', () => rig.streams[0]);
  for (const id of ids) stream.write(`id: a2\ndata: {"jsonrpc":"2.0","id":"${id}","result":{"content":[]}}\n\n`);
  await until('the answers', () => rig.heard.filter((text) => text.includes('"content":[]')).length === COUNT || undefined);
  await rig.relay.sweep(1_000);
  Bun.gc(true);
  await until('the bodies to go', () => {
    Bun.gc(true);
    // The collector may take something on the stack for a reference.
    return bodies.filter((body) => body.deref() !== undefined).length < COUNT / 4 || undefined;
  });
  resumed.leave();
  await resumed.served;
});

test('one whose client does not come back ends after five minutes, and its outcome is unknown', async () => {
  await using rig = await open();
  await postLarge(ids[0] as string, rig);
  rig.rig.advance(FIVE_MINUTES - 1);
  await rig.relay.sweep(FIVE_MINUTES - 1);
  expect(rig.rig.outcomes()).toEqual([]);
  rig.rig.advance(1);
  await rig.relay.sweep(FIVE_MINUTES);
  const [outcome] = await until('the outcome', () => (rig.rig.outcomes().length > 0 ? rig.rig.outcomes() : undefined));
  expect(outcome).toMatchObject({ result: 'kept', error: 'the server ended its answer before it was whole' });
});
