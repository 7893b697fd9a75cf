/** The listener in front of a server of the same transport: every exchange passes as it is, or is judged (wire.md §1, §2, §5). */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { OPENING } from '../../../src/serve/upstream/within.ts';
import { untilRecords } from '../../harness/audit.ts';
import { eventData, exchange, send } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { openSocket } from '../../harness/raw-http.ts';
import { type Answer, answerJson, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const POLICY = `version: "1"
default: allow
hide: [secret]
tools:
  refund:
    rules:
      - { name: small only, conditions: [{ path: args.amount, op: lte, value: 100 }], on_deny: too much }
`;

const call = (id: number | string, name: string, args: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
});
const INITIALIZED =
  '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"s","version":"1"}}}';

const json =
  (text: string, headers: Record<string, string> = {}, status = 200): Answer =>
  (_, response) =>
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

describe('I9: what the server asks has a stream to come on', () => {
  /** A server that leaves a GET unanswered until `open`, or for ever. */
  const server =
    (open: Promise<void>): Answer =>
    async ({ method, body }, response) => {
      if (body.includes('"initialize"')) return json(INITIALIZED, { 'mcp-session-id': 's' })({} as never, response);
      if (method === 'GET') {
        await open;
        return void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      }
      if (!body.includes('tools/call')) return void response.writeHead(202).end();
      return json('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')({} as never, response);
    };
  const SESSION = { 'mcp-session-id': 's', 'mcp-protocol-version': '2025-06-18' };

  test('no call overtakes the GET that its client sent before; answers to the server do', async () => {
    const open = Promise.withResolvers<void>();
    await using upstream = await startUpstream(server(open.promise));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    await exchange(listener.url, { body: INITIALIZE });
    const asked = performance.now();
    const standing = send(listener.url, { method: 'GET', headers: { ...SESSION, accept: 'text/event-stream' } });
    await upstream.untilReceived('the GET', ({ method }) => method === 'GET');
    const answered = exchange(listener.url, { body: call(1, 'refund', { amount: 1 }), headers: SESSION });
    await untilRecords(listener.home, 'the call to be judged', (records) => records.some(({ type }) => type === 'tool_call'));
    await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":"q","result":{}}', headers: SESSION });
    const early = upstream.received.filter(({ body }) => body.includes('tools/call'));
    // Where the machine took so long, the call has waited long enough.
    if (performance.now() - asked < OPENING) expect(early).toEqual([]);
    open.resolve();
    expect((await answered).text).toContain('"content":[]');
    (await standing).close();
  });

  test('a GET that is never answered holds no call up for good', async () => {
    await using upstream = await startUpstream(server(new Promise(() => {})));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    await exchange(listener.url, { body: INITIALIZE });
    send(listener.url, { method: 'GET', headers: { ...SESSION, accept: 'text/event-stream' } }).catch(() => {});
    await upstream.untilReceived('the GET', ({ method }) => method === 'GET');
    expect((await exchange(listener.url, { body: call(1, 'refund', { amount: 1 }), headers: SESSION })).text).toContain('"content":[]');
  });
});

describe('wire.md §1, §2.9: streams pass event by event', () => {
  const RAW =
    ': hello\nid: 1\nretry: 500\n\n' +
    'event: message\nid: 2\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1.0}}\n\n' +
    'id: 3\ndata:\n\n' +
    'data: {"jsonrpc":"2.0","id":7,\ndata: "result":{"content":[]}}\nid: 4\n\n';
  const stream =
    (text: string): Answer =>
    (_, response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': 's' }).end(text);

  test('with ids, comments, retries, empty events and several data lines as they came', async () => {
    await using upstream = await startUpstream(stream(RAW));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const answer = await exchange(listener.url, { body: call(7, 'echo') });
    expect(answer.text).toBe(RAW);
    expect(answer.headers['content-type']).toBe('text/event-stream');
  });
  test('each as it comes', async () => {
    const next = Promise.withResolvers<void>();
    await using upstream = await startUpstream(async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{"n":1}}\n\n');
      await next.promise;
      response.end('data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n');
    });
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const answer = await send(listener.url, { body: call(7, 'echo') });
    await answer.untilBody('the first event', (text) => text.includes('"n":1'));
    next.resolve();
    await answer.ended;
    expect(eventData(answer.body().toString())).toHaveLength(2);
  });
  const LIST = '{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"secret","inputSchema":{}},{"name":"refund","inputSchema":{}}]}}';
  test.each([
    ['a JSON body', json(LIST)],
    ['a stream', stream(`data: ${LIST}\n\n`)],
    ['a stream, under another name', stream(`event: other\ndata: ${LIST}\n\n`)],
    ['a body that says it is text', json(LIST, { 'content-type': 'text/plain' })],
    ['an error status', json(LIST, {}, 500)],
  ])('hidden tools leave %s', async (_, answer) => {
    await using upstream = await startUpstream(answer);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const { text } = await exchange(listener.url, { body: '{"jsonrpc":"2.0","id":7,"method":"tools/list"}' });
    expect(text).toContain('refund');
    expect(text).not.toContain('secret');
  });
});

describe('wire.md §2.7: sessions', () => {
  const opening: Answer = (request, response) => {
    if (request.body.includes('"initialize"')) return json(INITIALIZED, { 'mcp-session-id': 'up-1' })(request, response);
    return json(`{"jsonrpc":"2.0","id":${JSON.parse(request.body).id},"result":{"content":[]}}`)(request, response);
  };
  const SESSION = { 'mcp-session-id': 'up-1' };
  test('belong to the credential that opened them; for others they do not exist', async () => {
    await using upstream = await startUpstream(opening);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const first = await exchange(listener.url, { body: INITIALIZE, headers: { authorization: 'Bearer one' } });
    expect([first.status, first.headers['mcp-session-id'], first.text]).toEqual([200, 'up-1', INITIALIZED]);
    const asked = async (headers: Record<string, string>, method: 'POST' | 'GET' | 'DELETE' = 'POST') =>
      (await exchange(listener.url, { method, headers, ...(method === 'POST' && { body: call(1, 'echo') }) })).status;
    expect(await asked({ ...SESSION, authorization: 'Bearer one' })).toBe(200);
    expect(upstream.received.at(-1)?.headers).toMatchObject({ ...SESSION, authorization: 'Bearer one' });
    for (const method of ['POST', 'GET', 'DELETE'] as const) {
      expect(await asked({ ...SESSION, authorization: 'Bearer two' }, method)).toBe(404);
      expect(await asked(SESSION, method)).toBe(404);
      expect(await asked({ 'mcp-session-id': '__proto__', authorization: 'Bearer one' }, method)).toBe(404);
    }
    expect(upstream.received).toHaveLength(2);
  });
  test('end with DELETE, and with a 404 of the server', async () => {
    await using upstream = await startUpstream(opening);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const status = async (method: 'POST' | 'DELETE', body?: string, headers: Record<string, string> = SESSION) =>
      (await exchange(listener.url, { method, headers, ...(body && { body }) })).status;
    await status('POST', INITIALIZE, {});
    upstream.answer((_, response) => void response.writeHead(200).end());
    expect(await status('DELETE')).toBe(200);
    expect(upstream.received.at(-1)).toMatchObject({ method: 'DELETE', headers: SESSION });
    expect(await status('POST', call(1, 'echo'))).toBe(404);
    upstream.answer(opening);
    expect(await status('POST', INITIALIZE, {})).toBe(200);
    upstream.answer((_, response) => void response.writeHead(404).end());
    expect(await status('POST', call(1, 'echo'))).toBe(404);
    upstream.answer(opening);
    expect(await status('POST', call(1, 'echo'))).toBe(404);
  });
  test('beyond --max-sessions are 503', async () => {
    let count = 0;
    await using upstream = await startUpstream((request, response) =>
      json(INITIALIZED, { 'mcp-session-id': `s${++count}` })(request, response),
    );
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url, '--max-sessions', '2'] });
    const statuses = [];
    for (let opened = 0; opened < 3; opened++) statuses.push((await exchange(listener.url, { body: INITIALIZE })).status);
    expect(statuses).toEqual([200, 200, 503]);
  });
  test('a batch of 2025-03-26 is judged element by element, and answered in one array; of another revision it is refused', async () => {
    const agreed =
      (version: string): Answer =>
      (request, response) => {
        if (!request.body.startsWith('['))
          return json(INITIALIZED.replace('2025-06-18', version), { 'mcp-session-id': version })(request, response);
        const answers = (JSON.parse(request.body) as { id: number }[]).map(
          ({ id }) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`,
        );
        return json(`[${answers.join(',')}]`)(request, response);
      };
    await using upstream = await startUpstream(agreed('2025-03-26'));
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    await exchange(listener.url, { body: INITIALIZE });
    const body = `[${call(1, 'echo')},${call(2, 'refund', { amount: 1_000 })},${call(3, 'echo')}]`;
    const answer = await exchange(listener.url, { body, headers: { 'mcp-session-id': '2025-03-26' } });
    const answers = JSON.parse(answer.text) as { id: number; result: { isError?: boolean } }[];
    expect(answers.map(({ id, result }) => [id, result.isError === true]).toSorted()).toEqual([
      [1, false],
      [2, true],
      [3, false],
    ]);
    expect(JSON.parse(upstream.received.at(-1)?.body ?? '').map(({ id }: { id: number }) => id)).toEqual([1, 3]);
    upstream.answer(agreed('2025-06-18'));
    await exchange(listener.url, { body: INITIALIZE });
    const refused = await exchange(listener.url, { body, headers: { 'mcp-session-id': '2025-06-18' } });
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([400, -32600]);
  });
});

describe('I9, policy.md §6: whatever the server does, each request is answered once and settled', () => {
  const COUNTED = `version: "1"
tools: { echo: { rules: [{ name: three, rate_limit: { max: 3, window: hour, count: successes } }] } }
`;
  const cases: readonly (readonly [string, Answer, number, 'committed' | 'released' | 'kept'])[] = [
    ['answers', json('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'), 200, 'committed'],
    ['answers with an error', json('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}', {}, 400), 400, 'released'],
    ['says 500 in HTML', (_, response) => void response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>no</h1>'), 500, 'kept'],
    ['says 401', (_, response) => void response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end(), 401, 'released'],
    ['says 408', (_, response) => void response.writeHead(408).end(), 408, 'kept'],
    ['says nothing at all', (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(), 502, 'kept'],
    ['says 304, which has no body', (_, response) => void response.writeHead(304).end(), 502, 'kept'],
    ['hangs up', (_, response) => void response.destroy(), 502, 'kept'],
    [
      'breaks off in a body',
      (_, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': '99' })
          .write('{"json', () => response.destroy()),
      502,
      'kept',
    ],
    ['answers in another encoding', json('x', { 'content-encoding': 'br' }), 502, 'kept'],
    ['redirects elsewhere', (_, response) => void response.writeHead(307, { location: 'http://other.example/' }).end(), 502, 'kept'],
    ['answers another id', json('{"jsonrpc":"2.0","id":2,"result":{"content":[]}}'), 502, 'kept'],
    ['takes the request and is silent', (_, response) => void response.writeHead(202).end(), 502, 'kept'],
    [
      'ends a stream without an answer',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': x\n\n'),
      200,
      'kept',
    ],
  ];
  test.each(cases)('it %s', async (_, answer, status, outcome) => {
    await using upstream = await startUpstream(answer);
    await using listener = await startListener({ policy: COUNTED, flags: ['--upstream', upstream.url] });
    const got = await exchange(listener.url, { body: call(1, 'echo') });
    expect(got.status).toBe(status);
    if (status === 401) expect(got.headers['www-authenticate']).toBe('Bearer realm="x"');
    expect(got.text.match(/"id":1[,}]/g)).toHaveLength(1);
    const records = await untilRecords(listener.home, 'the outcome', (all) => all.some(({ type }) => type === 'outcome'));
    expect(records.filter(({ type }) => type === 'outcome').map(({ result }) => result)).toEqual([outcome]);
  });
  test('it is not there: 502, and nothing is spent', async () => {
    const upstream = await startUpstream(json(''));
    await upstream.close();
    await using listener = await startListener({ policy: COUNTED, flags: ['--upstream', upstream.url] });
    const got = await exchange(listener.url, { body: call('a', 'echo') });
    expect([got.status, JSON.parse(got.text).id]).toEqual([502, 'a']);
    const records = await untilRecords(listener.home, 'the outcome', (all) => all.some(({ type }) => type === 'outcome'));
    expect(records.find(({ type }) => type === 'outcome')?.result).toBe('released');
  });
  test('it is silent for longer than --upstream-timeout', async () => {
    await using upstream = await startUpstream(() => {});
    await using listener = await startListener({ policy: COUNTED, flags: ['--upstream', upstream.url, '--upstream-timeout', '1s'] });
    const got = await exchange(listener.url, { body: call(1, 'echo') });
    expect(JSON.parse(got.text)).toMatchObject({ id: 1, error: { code: -32001 } });
    const [request] = upstream.received;
    await until('the request to the server to be given up', () => request?.dropped() || undefined);
  });
});

test('wire.md §5: a client that leaves before its session has a name gives the request up, and its place', async () => {
  let isSilent = true;
  await using upstream = await startUpstream((_, response) => {
    if (isSilent) return;
    answerJson(response, { jsonrpc: '2.0', id: 0, result: { protocolVersion: '2025-11-25', capabilities: {} } }, 200, {
      'mcp-session-id': 's1',
    });
  });
  await using listener = await startListener({ flags: ['--upstream', upstream.url, '--max-sessions', '1'] });
  const socket = await openSocket(Number(new URL(listener.url).port));
  const more = 'content-type: application/json\r\naccept: application/json, text/event-stream';
  socket.send(`POST /mcp HTTP/1.1\r\nhost: localhost\r\n${more}\r\ncontent-length: ${INITIALIZE.length}\r\n\r\n${INITIALIZE}`);
  const request = await upstream.untilReceived('the request', () => true);
  socket.close();
  await until('it to be given up', () => request.dropped() || undefined);
  isSilent = false;
  expect((await exchange(listener.url, { body: INITIALIZE })).status).toBe(200);
});
