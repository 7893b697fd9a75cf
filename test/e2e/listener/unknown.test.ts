/** wire.md §5: of a credential that the upstream refuses nothing stays: no session, and no agent that is in use. */
import { expect, test } from 'bun:test';
import { openHttpClient } from '../../../src/http/client.ts';
import { openHttpServer } from '../../../src/http/server.ts';
import { createTurns } from '../../../src/http/turns.ts';
import { type Agent, createAgents } from '../../../src/serve/listener/agents.ts';
import { openRelay } from '../../../src/serve/listener/relay.ts';
import { exchange, send } from '../../harness/http.ts';
import { answerJson, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';
import { openRig } from '../../proxy/fixture.ts';

const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

/** A relay before this upstream, which passes on what its clients call themselves. */
async function listen(upstream: string) {
  const { ports, served } = await openRig();
  const way = {
    client: openHttpClient(new URL(upstream), {}),
    rules: { passed: [], authorization: true, host: false },
    ...{ maxMessage: 1 << 20, turns: createTurns(), mask: (text: string) => text },
    rewrite: (headers: Record<string, string>) => headers,
  };
  const agents = createAgents({ ports, served, name: undefined, passed: true, inUse: (agent) => relay.isUsedBy(agent) });
  const relay = openRelay(way, agents, { most: 64, kinds: [] }, { serve: async () => {}, post: async () => {} });
  const server = await openHttpServer({
    ...{ prefix: '', untold: new Set<string>(), bind: '127.0.0.1', port: 0, passHeaders: [], maxBody: 1 << 20 },
    ...{ guard: { hosts: [], origins: [], token: undefined }, serve: (request) => void relay.serve(request), refused: () => {} },
  });
  return {
    ...{ url: server.url, relay, agents, ports },
    async [Symbol.asyncDispose]() {
      await relay.end('the test is over');
      server.close();
    },
  };
}

test('bare requests and streams with invented credentials leave no session; accepted ones, and those that wait, do', async () => {
  const held = Promise.withResolvers<void>();
  await using upstream = await startUpstream(async ({ method, headers }, response) => {
    if (headers.authorization === 'Bearer waits') await held.promise;
    if (headers.authorization === 'Bearer known') answerJson(response, { jsonrpc: '2.0', id: 1, result: { tools: [] } });
    else response.writeHead(method === 'GET' ? 405 : 401).end();
  });
  await using listening = await listen(upstream.url);
  const { url, relay, agents } = listening;
  const used = () => [...agents.all()].filter((agent: Agent) => relay.isUsedBy(agent)).length;
  const as = (bearer: string) => ({ headers: { authorization: `Bearer ${bearer}` } });
  for (let n = 0; n < 5; n++) {
    expect((await exchange(url, { body: CALL, ...as(`post-${n}`) })).status).toBe(401);
    expect((await exchange(url, { method: 'GET', ...as(`get-${n}`) })).status).toBe(405);
    expect((await exchange(url, { method: 'DELETE', ...as(`delete-${n}`) })).status).toBe(401);
  }
  await until('the sessions to end', () => used() === 0 || undefined);
  expect((await exchange(url, { body: CALL, ...as('known') })).status).toBe(200);
  const waiting = send(url, { method: 'GET', ...as('waits') });
  await upstream.untilReceived('the stream that waits', ({ headers }) => headers.authorization === 'Bearer waits');
  expect(used()).toBe(2);
  held.resolve();
  await (await waiting).ended;
  await until('the stream to be over', () => used() === 1 || undefined);
});

test('wire.md §5: a server that takes long to ask for a token is heard; one that has taken the credential gets a stream after 5 s', async () => {
  const answers: (() => void)[] = [];
  let asksForToken = true;
  await using upstream = await startUpstream(async (_, response) => {
    await new Promise<void>((resolve) => answers.push(resolve));
    if (asksForToken) response.writeHead(401, { 'www-authenticate': 'Bearer realm="up"' }).end();
    else answerJson(response, { jsonrpc: '2.0', id: 1, result: { tools: [] } });
  });
  await using listening = await listen(upstream.url);
  const { url, relay, agents, ports } = listening;
  const ask = async () => {
    const asked = exchange(url, { body: CALL, headers: { accept: 'application/json, text/event-stream', authorization: 'Bearer a' } });
    const answer = await until('the request', () => answers.shift());
    await relay.sweep(ports.monotonic() + 6_000);
    answer();
    return asked;
  };
  const refused = await ask();
  expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer realm="up"']);
  asksForToken = false;
  for (const agent of agents.all()) agent.isAccepted = true;
  expect((await ask()).headers['content-type']).toBe('text/event-stream');
});
