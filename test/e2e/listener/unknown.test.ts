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

test('bare requests and streams with invented credentials leave no session; accepted ones, and those that wait, do', async () => {
  const held = Promise.withResolvers<void>();
  await using upstream = await startUpstream(async ({ method, headers }, response) => {
    if (headers.authorization === 'Bearer waits') await held.promise;
    if (headers.authorization === 'Bearer known') answerJson(response, { jsonrpc: '2.0', id: 1, result: { tools: [] } });
    else response.writeHead(method === 'GET' ? 405 : 401).end();
  });
  const { ports, served } = await openRig();
  const way = {
    client: openHttpClient(new URL(upstream.url), {}),
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
  const used = () => [...agents.all()].filter((agent: Agent) => relay.isUsedBy(agent)).length;
  const as = (bearer: string) => ({ headers: { authorization: `Bearer ${bearer}` } });
  for (let n = 0; n < 5; n++) {
    expect((await exchange(server.url, { body: CALL, ...as(`post-${n}`) })).status).toBe(401);
    expect((await exchange(server.url, { method: 'GET', ...as(`get-${n}`) })).status).toBe(405);
    expect((await exchange(server.url, { method: 'DELETE', ...as(`delete-${n}`) })).status).toBe(401);
  }
  await until('the sessions to end', () => used() === 0 || undefined);
  expect((await exchange(server.url, { body: CALL, ...as('known') })).status).toBe(200);
  const waiting = send(server.url, { method: 'GET', ...as('waits') });
  await upstream.untilReceived('the stream that waits', ({ headers }) => headers.authorization === 'Bearer waits');
  expect(used()).toBe(2);
  held.resolve();
  await (await waiting).ended;
  await until('the stream to be over', () => used() === 1 || undefined);
  await relay.end('the test is over');
  server.close();
});
