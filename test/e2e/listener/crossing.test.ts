/** Many clients behind one listener (wire.md §2.7, §2.9): equal ids and tokens, streams that are resumed, tasks of others. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { untilRecords } from '../../harness/audit.ts';
import { eventData, exchange, send } from '../../harness/http.ts';
import { NODE } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { type Answer, answerJson, type Received, startUpstream } from '../../harness/upstream.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const POLICY = 'version: "1"\nhide: [secret]\ntools:\n  pay: {rules: [{rate_limit: 9/hour}]}\n';
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const call = (id: unknown, name: string, args: object = {}, meta?: object) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...(meta && { _meta: meta }) } });
const ask = (id: unknown, method: string, params: object = {}) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
const initialize = ask(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } });
const initialized = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } };

/** Answers once it has `WANTED` calls, the last one first: progress under the call's own token, and then its own number. */
const SERVER = `
  const calls = [];
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (method !== 'tools/call') return;
    calls.push({ id, params });
    if (calls.length < Number(process.env.WANTED)) return;
    for (const { id, params } of calls.splice(0).reverse()) {
      const { n } = params.arguments;
      say({ method: 'notifications/progress', params: { progressToken: params._meta.progressToken, progress: n } });
      say({ id, result: { content: [], resultType: 'complete', n } });
    }
  });`;

test('clients of 2026-07-28 before one command: equal ids, equal tokens, and each gets its own', async () => {
  const wanted = 12;
  await using listener = await startListener({ policy: POLICY, server: [NODE, '-e', SERVER], env: { WANTED: String(wanted) } });
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
  const answers = await Promise.all(
    Array.from({ length: wanted }, (_, n) =>
      exchange(listener.url, { headers, body: call(1, 'echo', { n }, { ...META, progressToken: 7 }) }),
    ),
  );
  const heard = answers.map(({ text }) => eventData(text).map((data) => JSON.parse(data)));
  expect(
    heard.map(([progress, answer]) => [progress?.params.progressToken, progress?.params.progress, answer?.id, answer?.result.n]),
  ).toEqual(Array.from({ length: wanted }, (_, n) => [7, n, 1, n]));
});

/** Logs what it is asked, tied to no request, once it has so many calls; answers all when it is told to go. */
const LOGGER = `
  const calls = [];
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (method !== 'tools/call') return;
    calls.push({ id, params });
    if (params.name === 'go') for (const { id } of calls.splice(0)) say({ id, result: { content: [], resultType: 'complete' } });
    else if (calls.length === params.arguments.of) say({ method: 'notifications/message', params: { level: 'info', data: 'asked' } });
    else return;
    say({ method: 'notifications/progress', params: { progressToken: calls[0]?.params._meta.progressToken, progress: 1 } });
  });`;

test('clients of 2026-07-28 before one command: a log that is tied to no request reaches nobody, unless there is one alone', async () => {
  await using listener = await startListener({ policy: POLICY, server: [NODE, '-e', LOGGER] });
  const start = (name: string, n: number, of: number) =>
    send(listener.url, {
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
      body: call(n, name, { n, of }, { ...META, progressToken: n }),
    });
  const both = [start('echo', 1, 2), start('echo', 2, 2)];
  // The first of the two hears progress behind the log: what was to be heard of it has been heard then.
  await (await Promise.race(both)).untilBody('something', (text) => text.includes('\n\n'));
  await (await start('go', 3, 0)).ended;
  for (const answer of await Promise.all(both)) {
    await answer.ended;
    expect(answer.body().toString('utf8')).not.toContain('asked');
  }
  const alone = await start('echo', 4, 1);
  await alone.untilBody('the log', (text) => text.includes('asked'));
  await (await start('go', 5, 0)).ended;
  await alone.ended;
});

describe('a stream that is resumed', () => {
  const LIST = { jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'secret' }, { name: 'pay' }] } };
  const PAID = { jsonrpc: '2.0', id: 2, result: { content: [] } };
  const events = (response: ServerResponse, text: string) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
  /** A POST's stream ends after its first event; what was asked comes on a GET that names that event, as often as it is asked for. */
  const resuming: Answer = ({ method, body, headers }: Received, response) => {
    if (method === 'GET') {
      const said = headers['last-event-id'] === 'e1' ? LIST : PAID;
      events(response, `id: ${headers['last-event-id']}-answer\ndata: ${JSON.stringify(said)}\n\n`);
    } else if (body.includes('initialize'))
      answerJson(response, { jsonrpc: '2.0', id: 0, result: initialized }, 200, { 'mcp-session-id': 's' });
    else events(response, `id: e${JSON.parse(body).id}\nretry: 10\ndata:\n\n`);
  };
  test('is filtered and settled there, and filtered again when it comes again', async () => {
    await using upstream = await startUpstream(resuming);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    await exchange(listener.url, { body: initialize });
    const headers = { 'mcp-session-id': 's' };
    const first = [];
    for (const body of [ask(1, 'tools/list'), call(2, 'pay')]) first.push((await exchange(listener.url, { headers, body })).text);
    expect(first).toEqual(['id: e1\nretry: 10\ndata:\n\n', 'id: e2\nretry: 10\ndata:\n\n']);
    const resume = async (id: string) =>
      (await exchange(listener.url, { method: 'GET', headers: { ...headers, accept: 'text/event-stream', 'last-event-id': id } })).text;
    for (let n = 0; n < 2; n++) {
      expect(JSON.parse(eventData(await resume('e1'))[0] ?? '').result.tools).toEqual([{ name: 'pay' }]);
      expect(await resume('e2')).toBe(`id: e2-answer\ndata: ${JSON.stringify(PAID)}\n\n`);
    }
    const records = await untilRecords(listener.home, 'the outcome', (all) => all.some(({ type }) => type === 'outcome'));
    expect(records.filter(({ type }) => type === 'outcome').map(({ result }) => result)).toEqual(['committed']);
  });
  test('wire.md §2.7: goes on for the credential that was given its events, and does not exist for others', async () => {
    // One event store for all sessions, as some servers have.
    await using upstream = await startUpstream((request, response) => {
      const who = String(request.headers.authorization).slice('Bearer '.length);
      const last = request.headers['last-event-id'];
      if (request.method === 'POST')
        answerJson(response, { jsonrpc: '2.0', id: 0, result: initialized }, 200, { 'mcp-session-id': `session-${who}` });
      else if (last === undefined) events(response, `id: é-${who}\nretry: 10\ndata:\n\n`);
      else
        events(response, `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"after ${last}"}}\n\n`);
    });
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const get = (who: string, last?: string) =>
      exchange(listener.url, {
        method: 'GET',
        headers: {
          ...{ authorization: `Bearer ${who}`, 'mcp-session-id': `session-${who}`, accept: 'text/event-stream' },
          ...(last !== undefined && { 'last-event-id': Buffer.from(last).toString('latin1') }),
        },
      });
    for (const who of ['one', 'two']) {
      await exchange(listener.url, { body: initialize, headers: { authorization: `Bearer ${who}` } });
      expect((await get(who)).text).toContain(`id: é-${who}`);
    }
    expect((await get('one', 'é-one')).status).toBe(200);
    const before = upstream.received.length;
    for (const last of ['é-one', 'é-three', 'é-two '.repeat(2_000)]) expect((await get('two', last)).status).toBe(404);
    const posted = { authorization: 'Bearer two', 'mcp-session-id': 'session-two', 'last-event-id': 'e' };
    expect((await exchange(listener.url, { body: ask(1, 'ping'), headers: posted })).status).toBe(404);
    expect(upstream.received.length).toBe(before);
    expect((await get('two', 'é-two')).status).toBe(200);
  });
  test('SECURITY: an old failure that is asked for again frees no counter of a call under the same id', async () => {
    const FAILED = { jsonrpc: '2.0', id: 2, error: { code: -1, message: 'no' } };
    await using upstream = await startUpstream((request, response) => {
      if (request.method === 'GET') events(response, `id: f\ndata: ${JSON.stringify(FAILED)}\n\n`);
      else if (request.body.includes('initialize')) return resuming(request, response);
      else if (upstream.received.filter(({ body }) => body.includes('"pay"')).length > 1) events(response, 'id: p\ndata:\n\n');
      else answerJson(response, FAILED);
    });
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    await exchange(listener.url, { body: initialize });
    const headers = { 'mcp-session-id': 's' };
    await exchange(listener.url, { headers, body: call(2, 'pay') });
    await exchange(listener.url, { headers, body: call(2, 'pay') });
    await exchange(listener.url, { method: 'GET', headers: { ...headers, accept: 'text/event-stream', 'last-event-id': 'p' } });
    await exchange(listener.url, { headers, method: 'DELETE' });
    const records = await untilRecords(listener.home, 'both outcomes', (all) => all.filter(({ type }) => type === 'outcome').length > 1);
    expect(records.filter(({ type }) => type === 'outcome').map(({ result }) => result)).toEqual(['released', 'kept']);
  });
});

describe('tasks belong to the credential that opened them', () => {
  const tasks: Answer = ({ body, headers }, response) => {
    const { id, method } = JSON.parse(body);
    const say = (result: object, more: Record<string, string> = {}) => answerJson(response, { jsonrpc: '2.0', id, result }, 200, more);
    const who = String(headers.authorization).slice('Bearer '.length);
    if (method === 'initialize') say(initialized, { 'mcp-session-id': `session-${who}` });
    else if (method === 'tools/call') say({ task: { taskId: `task-${who}`, status: 'working' } });
    else if (method === 'tasks/list') say({ tasks: [{ taskId: 'task-one' }, { taskId: 'task-two' }] });
    else say({ taskId: 'task-one', status: 'working' });
  };
  test('others hear that there is no such task, and the server does not hear of it', async () => {
    await using upstream = await startUpstream(tasks);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const as = (who: string) => ({ authorization: `Bearer ${who}`, 'mcp-session-id': `session-${who}` });
    for (const who of ['one', 'two']) {
      await exchange(listener.url, { body: initialize, headers: { authorization: `Bearer ${who}` } });
      await exchange(listener.url, { body: call(1, 'pay'), headers: as(who) });
    }
    const said = async (who: string, method: string, params = {}) =>
      JSON.parse((await exchange(listener.url, { body: ask(5, method, params), headers: as(who) })).text);
    const before = upstream.received.length;
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
      expect((await said('two', method, { taskId: 'task-one' })).error).toEqual({ code: -32602, message: 'there is no such task' });
    expect(upstream.received.length).toBe(before);
    expect((await said('one', 'tasks/get', { taskId: 'task-one' })).result.taskId).toBe('task-one');
    expect([(await said('one', 'tasks/list')).result.tasks, (await said('two', 'tasks/list')).result.tasks]).toEqual([
      [{ taskId: 'task-one' }],
      [{ taskId: 'task-two' }],
    ]);
  });
});

test('two POSTs of one session with one id are two calls, and each is answered under it', async () => {
  await using upstream = await startUpstream(({ body }, response) => {
    const { id, method, params } = JSON.parse(body);
    const say = () =>
      answerJson(response, { jsonrpc: '2.0', id, result: method === 'initialize' ? initialized : { n: params.arguments.n } }, 200, {
        'mcp-session-id': 's',
      });
    if (method === 'initialize') return say();
    waiting.push(say);
    // Neither is answered before both are there.
    if (waiting.length === 2) for (const answer of waiting.reverse()) answer();
  });
  const waiting: (() => void)[] = [];
  await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
  await exchange(listener.url, { body: initialize });
  const answers = await Promise.all(
    [0, 1].map((n) => send(listener.url, { headers: { 'mcp-session-id': 's' }, body: call(1, 'pay', { n }) })),
  );
  await Promise.all(answers.map(({ ended }) => ended));
  expect(answers.map((answer) => JSON.parse(answer.body().toString()))).toEqual(
    [0, 1].map((n) => ({ jsonrpc: '2.0', id: 1, result: { n } })),
  );
  const sent = upstream.received.filter(({ body }) => body.includes('"pay"')).map(({ body }) => JSON.parse(body).id);
  expect(new Set(sent).size).toBe(2);
});
