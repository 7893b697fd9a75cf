/** wire.md §5, policy.md §6, I9, I10: whatever the upstream does, every request is answered once, what was reserved is settled, and no secret is told. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decisionOf, type Message, textOf } from '../../harness/message.ts';
import { ALLOW_ALL, type Proxy as Running, startProxy } from '../../harness/proxy.ts';
import { answerJson } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';
import { event, openEvents, result, type Script, startScripted } from '../../http/scripted.ts';
import { startEverything } from './servers.ts';

const PATIENCE = 60_000;
const TWO = `
version: "1"
default: deny
tools:
  pay:
    rules:
      - {name: two, conditions: [{path: state.pay.calls, op: lte, value: 2}], state: {counter: calls, window: day}}
`;

async function outcomesOf(proxy: Running, count: number): Promise<readonly unknown[]> {
  const isOutcome = ({ type }: { type: string }) => type === 'outcome';
  const records = await proxy.untilRecords(`${count} outcomes`, (all) => all.filter(isOutcome).length >= count);
  return records.filter(isOutcome).map(({ result: how }) => how);
}

function answersTo(proxy: Running, id: unknown): readonly (Message | undefined)[] {
  return proxy.client.frames.map(({ json }) => json).filter((json) => json?.id === id && json?.method === undefined);
}

const broken: readonly [string, Script, 'kept' | 'released'][] = [
  ['500 with HTML', (_, __, response) => void response.writeHead(500, { 'content-type': 'text/html' }).end('<html>'), 'kept'],
  ['403', (_, __, response) => void response.writeHead(403).end(), 'released'],
  [
    'a JSON-RPC error',
    ({ id }, __, response) => answerJson(response, { jsonrpc: '2.0', id, error: { code: 1, message: 'no' } }, 500),
    'released',
  ],
  ['HTML with 200', (_, __, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), 'kept'],
  ['JSON that is no JSON', (_, __, response) => answerJson(response, '{"jsonrpc":"2.0","id":'), 'kept'],
  ['half a stream', (_, __, response) => void openEvents(response).write('data: {"js', () => response.socket?.destroy()), 'kept'],
  ['a closed connection', (_, __, response) => void response.socket?.destroy(), 'kept'],
  ['a redirect to another origin', (_, __, response) => void response.writeHead(308, { location: 'http://127.0.0.2:9/' }).end(), 'kept'],
];

describe('policy.md §6: how calls end', () => {
  for (const [name, script, how] of broken) {
    test(
      `${name}: an error, and the reservation is ${how}`,
      async () => {
        await using upstream = await startScripted((message, request, response) =>
          message.params?.arguments?.break ? script(message, request, response) : 'default',
        );
        await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', upstream.url] });
        await proxy.client.initialize();
        const pay = (args: object) => proxy.client.request('tools/call', { name: 'pay', arguments: args });
        const failed = await pay({ break: true });
        expect(failed.error).toBeDefined();
        expect(await outcomesOf(proxy, 1)).toEqual([how]);
        const after = [await pay({}), await pay({})].map((answer) => decisionOf(answer)?.rule);
        expect(after).toEqual(how === 'released' ? [undefined, undefined] : [undefined, 'two']);
        expect(answersTo(proxy, failed.id)).toHaveLength(1);
        expect((await proxy.client.close()).code).toBe(0);
      },
      PATIENCE,
    );
  }

  test(
    'down: nothing was sent, the reservation is released, and the proxy lives on',
    async () => {
      await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', 'http://127.0.0.1:1/mcp'] });
      const answers = [];
      for (let i = 0; i < 4; i++) answers.push(await proxy.client.request('tools/call', { name: 'pay', arguments: {} }));
      expect(answers.map(({ error }) => error?.message)).toEqual(Array(4).fill('the server refuses connections: is it running?'));
      expect(await outcomesOf(proxy, 4)).toEqual(Array(4).fill('released'));
      expect((await proxy.client.close()).code).toBe(0);
    },
    PATIENCE,
  );

  test(
    'silence ends with --upstream-timeout, and a late answer reaches nobody',
    async () => {
      let late = () => {};
      await using upstream = await startScripted(({ id, method }, _, response) => {
        if (method !== 'tools/call') return 'default';
        late = () => answerJson(response, result(id));
      });
      await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', upstream.url, '--upstream-timeout', '500ms'] });
      await proxy.client.initialize();
      const answer = await proxy.client.request('tools/call', { name: 'pay', arguments: {} }, PATIENCE);
      expect(answer.error).toMatchObject({ code: -32001 });
      late();
      await proxy.client.request('ping');
      expect(answersTo(proxy, answer.id)).toHaveLength(1);
      expect(await outcomesOf(proxy, 1)).toEqual(['kept']);
    },
    PATIENCE,
  );

  test(
    'the agent goes while a call is under way: kept, the session is ended, status 0',
    async () => {
      await using upstream = await startScripted(({ method }) => (method === 'tools/call' ? undefined : 'default'));
      await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', upstream.url] });
      await proxy.client.initialize();
      proxy.client.sendLine({ jsonrpc: '2.0', id: 'x', method: 'tools/call', params: { name: 'pay', arguments: {} } });
      await upstream.untilReceived('the call', ({ body }) => body.includes('tools/call'));
      proxy.client.leave();
      expect((await proxy.client.exited).code).toBe(0);
      expect(await outcomesOf(proxy, 1)).toEqual(['kept']);
      expect(upstream.received.filter(({ method }) => method === 'DELETE').map(({ headers }) => headers['mcp-session-id'])).toEqual(['s1']);
    },
    PATIENCE,
  );

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)
    test(
      `${signal}: what waits gets an answer, status ${code}`,
      async () => {
        await using upstream = await startScripted(({ method }) => (method === 'tools/call' ? undefined : 'default'));
        await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', upstream.url] });
        await proxy.client.initialize();
        proxy.client.sendLine({ jsonrpc: '2.0', id: 'x', method: 'tools/call', params: { name: 'pay', arguments: {} } });
        await upstream.untilReceived('the call', ({ body }) => body.includes('tools/call'));
        proxy.client.kill(signal);
        expect((await proxy.client.next(({ json }) => json?.id === 'x')).json?.error?.message).toContain(signal);
        expect((await proxy.client.exited).code).toBe(code);
        expect(await outcomesOf(proxy, 1)).toEqual(['kept']);
      },
      PATIENCE,
    );
});

test(
  'a server that is killed and comes back: the calls meanwhile fail, those after find a new session',
  async () => {
    const first = await startEverything('streamableHttp');
    await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', first.url] });
    await proxy.client.initialize();
    const echo = () => proxy.client.request('tools/call', { name: 'echo', arguments: { message: 'hi' } });
    expect(textOf(await echo())).toBe('Echo: hi');
    await first[Symbol.asyncDispose]();
    expect((await echo()).error?.message).toContain('the server');
    await using _second = await startEverything('streamableHttp', first);
    // This server tells a session that it does not know with 400: the first call fails, and leaves a new session behind.
    const recovered = await until('an answer', async () => {
      const answer = await echo();
      return answer.result ? answer : undefined;
    });
    expect(textOf(recovered)).toBe('Echo: hi');
  },
  PATIENCE,
);

test(
  'I9: whatever mixture of faults, each request gets exactly one answer, and each call one outcome',
  async () => {
    const faults: readonly Script[] = [...broken.map(([, script]) => script), () => 'default', () => 'default', () => undefined];
    await using upstream = await startScripted((message, request, response) => {
      if (message.method !== 'tools/call') return 'default';
      return faults[message.params.arguments.n % faults.length]?.(message, request, response);
    });
    await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', upstream.url, '--upstream-timeout', '3s'] });
    await proxy.client.initialize();
    const count = 110;
    const ids = Array.from({ length: count }, (_, n) => `c${n}`);
    for (const [n, id] of ids.entries()) {
      proxy.client.sendLine({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'any', arguments: { n } } });
      if (n % 17 === 0)
        proxy.client.sendLine({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: n, progress: 1 } });
    }
    const isAnswered = (id: string) => answersTo(proxy, id).length > 0;
    await until('all answers', () => ids.every(isAnswered) || undefined, PATIENCE);
    expect((await proxy.client.close()).code).toBe(0);
    expect(ids.map((id) => answersTo(proxy, id).length)).toEqual(Array(count).fill(1));
    const outcomes = (await proxy.records()).filter(({ type }) => type === 'outcome').map(({ call }) => call);
    expect([outcomes.length, new Set(outcomes).size]).toEqual([count, count]);
  },
  PATIENCE,
);

describe('HTTP+SSE', () => {
  test(
    'an endpoint of another origin is refused, and no credential goes there',
    async () => {
      await using thief = await startScripted();
      await using upstream = await startScripted();
      upstream.answer(({ method }, response) => {
        if (method === 'GET') openEvents(response).write(`event: endpoint\ndata: ${thief.url}/message\n\n`);
        else response.writeHead(405).end();
      });
      await using proxy = await startProxy({
        policy: TWO,
        flags: ['--upstream', upstream.url, '--header', 'Authorization: Bearer sesame-open'],
      });
      const answer = await proxy.client.request('initialize');
      expect(answer.error).toBeDefined();
      expect(thief.received).toEqual([]);
      expect(answer.error?.message).toContain('another origin');
    },
    PATIENCE,
  );

  test(
    'when its stream ends, what waits gets an error, and the next request finds a new session',
    async () => {
      const streams: ReturnType<typeof openEvents>[] = [];
      await using upstream = await startScripted();
      upstream.answer(({ method, path, body }, response) => {
        if (method === 'GET') {
          streams.push(openEvents(response));
          streams.at(-1)?.write(`event: endpoint\ndata: /message?s=${streams.length}\n\n`);
          return;
        }
        if (path === '/') return void response.writeHead(404).end();
        response.writeHead(202).end('Accepted');
        const { id, method: name, params } = JSON.parse(body) as Message;
        if (id !== undefined && !params?.arguments?.hang)
          streams[Number(path.at(-1)) - 1]?.write(
            event(result(id, name === 'initialize' ? { protocolVersion: '2024-11-05' } : {}), 'event: message\n'),
          );
      });
      await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', upstream.url] });
      await proxy.client.initialize('2024-11-05');
      const hanging = proxy.client.request('tools/call', { name: 'pay', arguments: { hang: true } });
      await upstream.untilReceived('the call', ({ body }) => body.includes('hang'));
      streams[0]?.end();
      expect((await hanging).error?.message).toContain('ended its event stream');
      expect((await proxy.client.request('tools/call', { name: 'pay', arguments: {} })).result).toEqual({});
      const second = upstream.received
        .filter(({ path }) => path === '/message?s=2')
        .map(({ body }) => (JSON.parse(body) as Message).method);
      expect(second).toEqual(['initialize', 'notifications/initialized', 'tools/call']);
      expect(await outcomesOf(proxy, 2)).toEqual(['kept', 'committed']);
    },
    PATIENCE,
  );
});

describe('I10: headers', () => {
  const SECRET = 'tok-7f3a9c1e5b';

  /** Everything that the proxy has written anywhere. */
  async function written(proxy: Running): Promise<string> {
    const events = await readdir(join(proxy.home, 'events'));
    const files = events.map((name) => readFileSync(join(proxy.home, 'events', name), 'utf8'));
    return [proxy.client.stderr(), ...proxy.client.frames.map(({ text }) => text), ...files].join('\n');
  }

  test(
    'their values go to the upstream and nowhere else',
    async () => {
      await using upstream = await startScripted();
      const flags = [
        '--upstream',
        `${upstream.url}/mcp?key=${SECRET}`,
        '--header',
        `X-Tenant: $\{TENANT}`,
        '--header-env',
        'Authorization=TOKEN',
        '--log-level',
        'debug',
      ];
      await using proxy = await startProxy({ policy: TWO, flags, env: { TENANT: `acme-${SECRET}`, TOKEN: `Bearer ${SECRET}` } });
      await proxy.client.initialize();
      await proxy.client.request('tools/call', { name: 'pay', arguments: { note: SECRET, other: `my ${SECRET}!` } });
      await proxy.client.request('tools/call', { name: 'pay', arguments: {} });
      await upstream.close();
      await proxy.client.request('tools/call', { name: 'pay', arguments: {} });
      await proxy.client.close();
      expect(upstream.received[0]?.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'x-tenant': `acme-${SECRET}` });
      expect(await written(proxy)).not.toContain(SECRET);
    },
    PATIENCE,
  );

  test(
    'a 401 is explained to the operator: where tokens come from, and how to pass one',
    async () => {
      await using upstream = await startScripted();
      upstream.answer(({ path, method }, response) => {
        if (path === '/.well-known/oauth-protected-resource/mcp')
          return answerJson(response, { authorization_servers: ['https://login.example.com'] });
        const challenge = `Bearer resource_metadata="${upstream.url}/.well-known/oauth-protected-resource/mcp", scope="pay read"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end(method);
      });
      await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', `${upstream.url}/mcp`] });
      const { error } = await proxy.client.request('initialize');
      expect(error?.message).toContain('authorization');
      const told = await until('the explanation', () =>
        proxy.client.stderr().includes('--header-env') ? proxy.client.stderr() : undefined,
      );
      expect(told).toContain('asks for authorization (401)');
      expect(told).toContain('https://login.example.com');
      expect(told).toContain('"pay read"');
    },
    PATIENCE,
  );

  test(
    'a 401 with another challenge each time is explained eight times, and asks the server for no more documents (I11)',
    async () => {
      await using upstream = await startScripted();
      let [nonce, documents] = [0, 0];
      upstream.answer(({ path, method }, response) => {
        if (path.startsWith('/.well-known/')) {
          documents += 1;
          return answerJson(response, { authorization_servers: ['https://login.example.com'] });
        }
        nonce += 1;
        const metadata = `${upstream.url}/.well-known/oauth-protected-resource/mcp`;
        response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}", nonce="${nonce}"` }).end(method);
      });
      await using proxy = await startProxy({ policy: TWO, flags: ['--upstream', `${upstream.url}/mcp`] });
      for (let n = 0; n < 20; n++) await proxy.client.request('initialize');
      const told = () => proxy.client.stderr().split('asks for authorization (401)').length - 1;
      await until('eight explanations', () => told() >= 8 || undefined);
      await proxy.client.request('initialize');
      expect([nonce >= 20, told(), documents <= 8]).toEqual([true, 8, true]);
    },
    PATIENCE,
  );
});
