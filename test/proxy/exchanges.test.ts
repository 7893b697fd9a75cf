/** Sessions of several exchanges (wire.md §2.1, §2.7, §2.9, §5): what belongs to a POST comes back on it, under its own ids. */
import { describe, expect, test } from 'bun:test';
import { readClientFrame } from '../../src/mcp/messages/client.ts';
import type { Exchange } from '../../src/proxy/exchange.ts';
import { META, type Message, OK, verdict } from './fixture.ts';
import { openPosts, type Posts, textOf } from './posts.ts';

const POLICY =
  'version: "1"\nmethods: {resources/read: deny}\ntools:\n  no: {rules: [{action: deny}]}\n  few: {rules: [{rate_limit: 9/hour}]}\n';
const call = (id: unknown, name: string, more: object = {}) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, ...more } });
const modernCall = (id: unknown, name: string) => call(id, name, { _meta: META });
const reply = (id: unknown, result: object = OK) => ({ jsonrpc: '2.0', id, result });
const open = (carried = {}) => openPosts(carried, { policy: POLICY });
const ids = (messages: readonly (Message | Message[])[]) => messages.flat().map(({ id }) => id);
const outcomes = ({ rig }: Posts) => rig.outcomes().map(({ result }): string => result);

async function legacy(posts: Posts, version: string): Promise<void> {
  await posts.post({
    jsonrpc: '2.0',
    id: 'init',
    method: 'initialize',
    params: { protocolVersion: version, capabilities: {}, clientInfo: {} },
  });
  await posts.say(reply('init', { protocolVersion: version, capabilities: {}, serverInfo: {} }));
  posts.sent.length = 0;
}

describe('wire.md §2.7: each POST is an id scope of its own', () => {
  test('equal ids go to the server under different ones, and come back each on its own exchange', async () => {
    const posts = await open();
    const [a, b, c] = [await posts.post(call(1, 'a')), await posts.post(call(1, 'b')), await posts.post(call('1', 'c'))];
    const [first, second, third] = ids(posts.messages());
    expect([first, third]).toEqual([1, '1']);
    expect(second).toMatch(/^intercept-/);
    await posts.say(reply(second, { n: 2 }), reply('1', { n: 3 }), reply(1, { n: 1 }));
    expect([a, b, c].map((one) => posts.on(one))).toEqual([
      [reply(1, { n: 1 })],
      [reply(1, { n: 2 })],
      [reply('1', { n: 3 })],
    ] as Message[][]);
  });
  test('I7: what is not replaced goes on byte for byte, and of what is, only the id differs', async () => {
    const posts = await open();
    const body =
      '{ "params" : {"name":"a","arguments":{"n":9007199254740993,"n2":1e400}},\n\t"id" :  7 , "x":[ ],"method":"tools\\/call","jsonrpc":"2.0"}';
    const exchange = await posts.post(body);
    const second = await posts.post(body);
    const [plain = '', replaced = ''] = posts.sent.map(({ bytes }) => textOf(bytes));
    expect(plain).toBe(body);
    const id = JSON.stringify(posts.messages()[1]?.id);
    expect(replaced).toBe(body.replace('"id" :  7', `"id" :  ${id}`));
    const answer = `{"result": {"content":[ ],"big":123456789012345678901234567890 },"id": ${id},"jsonrpc":"2.0"}`;
    await posts.say(answer, answer.replace(id, '7'));
    expect(posts.textsOn(second)).toEqual([answer.replace(id, '7')]);
    expect(posts.textsOn(exchange)).toEqual([answer.replace(id, '7')]);
  });
  test('within one POST an id is there once', async () => {
    const posts = await open();
    await legacy(posts, '2025-03-26');
    const exchange = await posts.post(JSON.stringify([call(1, 'a'), call(1, 'b')]));
    expect(ids(posts.messages())).toEqual([1]);
    await posts.say(reply(1));
    expect(posts.on(exchange).flat().map(verdict).sort()).toEqual(['error -32600', 'server']);
  });
  test('an error, and a refused answer, carry the id of the client', async () => {
    const posts = await open();
    const [a, b, c] = [await posts.post(call(1, 'few')), await posts.post(call(1, 'few')), await posts.post(call(1, 'few'))];
    const [, second, third] = ids(posts.messages());
    await posts.say(
      { jsonrpc: '2.0', id: second, error: { code: -1, message: 'no' } },
      { jsonrpc: '2.0', id: third, result: { isError: 'maybe' } },
    );
    await posts.session.end('over');
    expect(
      [a, b, c].map((one) =>
        posts
          .on(one)
          .flat()
          .map(({ id, error }) => [id, error?.code]),
      ),
    ).toEqual([[[1, -32000]], [[1, -1]], [[1, -32603]]]);
    expect(outcomes(posts).sort()).toEqual(['kept', 'kept', 'released']);
  });
  test('a cancelled id is not used again as it is while its answer may still come', async () => {
    const posts = await open();
    await posts.post(call(1, 'few'));
    await posts.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    const second = await posts.post(call(1, 'few'));
    const [, , replaced] = ids(posts.messages());
    await posts.say({ jsonrpc: '2.0', id: 1, error: { code: -1, message: 'late' } });
    expect(outcomes(posts)).toEqual(['kept']);
    await posts.say(reply(replaced));
    expect([ids(posts.on(second)), outcomes(posts)]).toEqual([[1], ['kept', 'committed']]);
  });
});

describe('cancelling', () => {
  test('names the request by the id that the server got: of two, the one sent last', async () => {
    const posts = await open();
    await posts.post(call(1, 'few'));
    await posts.post(call(1, 'few'));
    const [, second] = ids(posts.messages());
    await posts.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { reason: 'x', requestId: 1 } });
    expect(posts.messages()[2]?.params).toEqual({ reason: 'x', requestId: second });
    expect(posts.sent[2]?.cancels?.text).toBe(JSON.stringify(second));
    expect(outcomes(posts)).toEqual(['kept']);
  });
  test('in the modern era one that could be another client’s is not cancelled', async () => {
    const posts = await open();
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta: META } };
    await posts.post(modernCall(1, 'few'));
    await posts.post(modernCall(1, 'few'));
    await posts.post(cancelled);
    expect([posts.sent.length, outcomes(posts)]).toEqual([2, []]);
    await posts.say(reply(1));
    await posts.post(cancelled);
    expect([posts.sent[2]?.cancels?.text, outcomes(posts)]).toEqual([JSON.stringify(posts.messages()[1]?.id), ['committed', 'kept']]);
  });
  test('wire.md §5: a client that leaves cancels its requests in the modern era', async () => {
    const posts = await open();
    const [a, b] = [await posts.post(modernCall(1, 'few')), await posts.post(modernCall(1, 'few'))];
    const [, second] = ids(posts.messages());
    posts.session.left(b);
    expect(posts.sent[2]).toMatchObject({ kind: 'notification', modern: true, own: true, cancels: { text: JSON.stringify(second) } });
    expect(posts.messages()[2]?.params).toEqual({ requestId: second, _meta: META });
    expect([posts.session.waitingOn(a), posts.session.waitingOn(b), outcomes(posts)]).toEqual([1, 0, ['kept']]);
  });
  test('and does not in the legacy era', async () => {
    const posts = await open();
    const exchange = await posts.post(call(1, 'few'));
    posts.session.left(exchange);
    expect([posts.sent.length, posts.session.waitingOn(exchange)]).toEqual([1, 1]);
    await posts.say(reply(1));
    expect([outcomes(posts), ids(posts.on(exchange))]).toEqual([['committed'], [1]]);
  });
});

describe('what the server sends on its own', () => {
  const progress = (progressToken: unknown) => ({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken, progress: 1 },
  });
  const withProgress = (id: unknown, token: unknown) => call(id, 'a', { _meta: { x: 1, progressToken: token } });
  test('progress goes to the exchange whose request carries the token; equal tokens are told apart', async () => {
    const posts = await open();
    const [a, b] = [await posts.post(withProgress(1, 5)), await posts.post(withProgress(2, 5))];
    const [first, second] = posts.messages().map(({ params }) => params._meta.progressToken);
    expect([first, typeof second]).toEqual([5, 'string']);
    await posts.say(progress(second), progress(5), progress('5'), progress(9));
    expect([a, b].map((one) => posts.on(one))).toEqual([[progress(5)], [progress(5)]] as Message[][]);
    expect(posts.loose).toEqual([progress('5'), progress(9)] as Message[]);
  });
  test('an answered request’s token is free again', async () => {
    const posts = await open();
    await posts.post(withProgress(1, 5));
    await posts.say(reply(1));
    const exchange = await posts.post(withProgress(2, 5));
    expect(posts.messages()[1]?.params._meta.progressToken).toBe(5);
    await posts.say(progress(5));
    expect(posts.on(exchange).length).toBe(1);
  });
  test('requests and log messages go with the newest call, what belongs to none goes nowhere in particular', async () => {
    const posts = await open();
    const ask = { jsonrpc: '2.0', id: 0, method: 'sampling/createMessage', params: {} };
    const message = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 1 } };
    const changed = { jsonrpc: '2.0', method: 'notifications/resources/list_changed' };
    await posts.say(ask, message);
    expect(posts.loose.length).toBe(2);
    await posts.post(call(1, 'a'));
    const exchange = await posts.post(call(2, 'a'));
    await posts.post({ jsonrpc: '2.0', id: 3, method: 'ping' });
    await posts.say(ask, message, changed);
    expect(posts.on(exchange)).toEqual([ask, message] as Message[]);
    expect(posts.loose.length).toBe(3);
    await posts.post(reply(0, { role: 'assistant' }));
    expect(posts.sent.at(-1)).toMatchObject({ kind: 'response' });
  });
  test('in the modern era a log message that could be another client’s goes to nobody', async () => {
    const posts = await open();
    const message = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 1 } };
    const first = await posts.post(modernCall(1, 'a'));
    await posts.say(message);
    await posts.post(modernCall(1, 'a'));
    await posts.say(message);
    expect([posts.on(first).length, posts.loose.length]).toEqual([1, 1]);
  });
});

describe('subscriptions/listen of 2026-07-28', () => {
  const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
  const listen = (id: unknown) => ({
    jsonrpc: '2.0',
    id,
    method: 'subscriptions/listen',
    params: { _meta: META, notifications: { toolsListChanged: true } },
  });
  const changed = (id: unknown) => ({
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: { _meta: { [SUBSCRIPTION]: id, y: 2 } },
  });
  const two = async () => {
    const posts = await open();
    const [a, b] = [await posts.post(listen('listen:0')), await posts.post(listen('listen:0'))] as const;
    return { posts, a, b, second: posts.messages()[1]?.id };
  };
  test('notifications reach the listener that they name, under its own id', async () => {
    const { posts, a, b, second } = await two();
    await posts.say(changed(second), changed('listen:0'), changed('other'));
    expect([posts.on(a), posts.on(b), posts.loose]).toEqual([
      [changed('listen:0')],
      [changed('listen:0')],
      [changed('other')],
    ] as Message[][]);
  });
  test('the end of a stream names it twice: in the id and in the result', async () => {
    const { posts, b, second } = await two();
    await posts.say(reply(second, { resultType: 'complete', _meta: { [SUBSCRIPTION]: second } }));
    expect(posts.on(b)).toEqual([reply('listen:0', { resultType: 'complete', _meta: { [SUBSCRIPTION]: 'listen:0' } })] as Message[]);
    expect(posts.session.waitingOn(b)).toBe(0);
  });
  test('a status of a task reaches the listener whose end comes with it', async () => {
    const { posts, b, second } = await two();
    const status = (id: unknown) => ({
      jsonrpc: '2.0',
      method: 'notifications/tasks',
      params: { taskId: 't', status: 'working', _meta: { [SUBSCRIPTION]: id } },
    });
    await posts.say(status(second), reply(second, { resultType: 'complete' }));
    expect(posts.on(b)).toEqual([status('listen:0'), reply('listen:0', { resultType: 'complete' })] as Message[]);
    expect(posts.loose).toEqual([]);
  });
  test('a server may end one by cancelling it', async () => {
    const { posts, a, b, second } = await two();
    await posts.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: second } });
    expect(posts.on(b)).toEqual([{ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'listen:0' } }] as Message[]);
    expect([posts.session.waitingOn(a), posts.session.waitingOn(b)]).toEqual([1, 0]);
  });
  test('a server that cancels a request of its own ends no call', async () => {
    const posts = await open();
    const exchange = await posts.post(call(4, 'a'));
    await posts.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 4 } });
    expect([posts.session.waitingOn(exchange), posts.loose.length]).toEqual([1, 1]);
  });
});

describe('wire.md §2.1: a batch over HTTP', () => {
  const BATCH = JSON.stringify([
    call(1, 'yes'),
    call(2, 'no'),
    { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
    call(3, 'yes'),
  ]);
  const batch = async (carried: object, body = BATCH) => {
    const posts = await open(carried);
    await legacy(posts, '2025-03-26');
    return { posts, exchange: await posts.post(body) };
  };
  const verdicts = (frames: readonly (Message | Message[])[]) =>
    frames.map((frame) =>
      [frame]
        .flat()
        .map((one) => `${one.id}: ${verdict(one)}`)
        .sort(),
    );
  test('what passes of it goes on as one array, and the answers come in one', async () => {
    const { posts, exchange } = await batch({ joinBatches: true });
    expect(posts.sent.map(({ kind, ids: sent, exchange: to }) => [kind, sent?.map(({ text }) => text), to === exchange])).toEqual([
      ['batch', ['1', '3'], true],
    ]);
    expect(posts.messages().map(({ method }) => method)).toEqual(['tools/call', 'notifications/roots/list_changed', 'tools/call']);
    expect(verdicts(await posts.relay([reply(3), reply(1)]))).toEqual([['1: server', '2: denied rule', '3: server']]);
    expect(posts.on(exchange)).toEqual([]);
  });
  test('answers that come one by one are returned with the last of them', async () => {
    const { posts } = await batch({ joinBatches: true });
    expect(await posts.relay(reply(1))).toEqual([]);
    expect(verdicts(await posts.relay(reply(3)))).toEqual([['1: server', '2: denied rule', '3: server']]);
  });
  test('a child gets its messages one by one, and a batch of its answers goes to each exchange as an array', async () => {
    const { posts, exchange } = await batch({});
    const other = await posts.post(call(9, 'yes'));
    expect(posts.sent.map(({ kind }) => kind)).toEqual(['request', 'notification', 'request', 'request']);
    await posts.say([reply(1), reply(9), reply(3)]);
    expect(verdicts(posts.on(exchange))).toEqual([['1: server', '2: denied rule', '3: server']]);
    expect(verdicts(posts.on(other))).toEqual([['9: server']]);
  });
  test('what comes in one array goes on in one, whoever asked for what stands in it', async () => {
    const { posts } = await batch({ joinBatches: true });
    await posts.post(call(9, 'yes'));
    expect(verdicts(await posts.relay([reply(1), reply(9), reply(3)]))).toEqual([
      ['1: server', '2: denied rule', '3: server', '9: server'],
    ]);
  });
  test('one of which nothing passes is answered at once', async () => {
    const { posts, exchange } = await batch({ joinBatches: true }, JSON.stringify([call(1, 'no'), call(2, 'no')]));
    expect([posts.sent.length, verdicts(posts.on(exchange))]).toEqual([0, [['1: denied rule', '2: denied rule']]]);
  });
  test('I9: one whose upstream fails is answered whole', async () => {
    const { posts, exchange } = await batch({ joinBatches: true });
    await posts.session.upstreamFailed(posts.sent[0]?.ids ?? [], { outcome: 'kept', why: 'HTTP 500' });
    expect(verdicts(posts.on(exchange))).toEqual([['1: error -32000', '2: denied rule', '3: error -32000']]);
  });
  test('ids that are taken are replaced within it', async () => {
    const posts = await open({ joinBatches: true });
    await legacy(posts, '2025-03-26');
    const [a, b] = [
      await posts.post(JSON.stringify([call(1, 'yes'), call(2, 'yes')])),
      await posts.post(JSON.stringify([call(1, 'yes'), call(3, 'yes')])),
    ];
    const sent = ids(posts.messages());
    expect([sent[0], sent[1], typeof sent[2], sent[3]]).toEqual([1, 2, 'string', 3]);
    expect(verdicts(await posts.relay([reply(sent[2]), reply(3)]))).toEqual([['1: server', '3: server']]);
    expect([posts.session.waitingOn(a), posts.session.waitingOn(b)]).toEqual([2, 0]);
  });
});

describe('policy.md §6: an upstream that fails', () => {
  const failing = async (outcome: 'kept' | 'released', more: object = {}) => {
    const posts = await open();
    const exchange = await posts.post(call(1, 'few'));
    await posts.session.upstreamFailed(
      posts.sent.flatMap(({ id }) => id ?? []),
      { outcome, why: 'HTTP 503', ...more },
    );
    return { posts, exchange, settled: outcomes(posts), counted: await posts.rig.counted() };
  };
  test.each([
    ['kept', [1]],
    ['released', []],
  ] as const)('%s, and answered once', async (outcome, counted) => {
    const result = await failing(outcome);
    expect([result.settled, result.counted]).toEqual([[outcome], [...counted]]);
    expect(result.posts.on(result.exchange)).toMatchObject([{ id: 1, error: { code: -32000, message: 'HTTP 503' } }]);
    await result.posts.say(reply(1));
    await result.posts.session.end('over');
    expect([result.posts.on(result.exchange).length, outcomes(result.posts)]).toEqual([1, [outcome]]);
  });
  test('is not answered again where the client got the upstream’s own answer', async () => {
    const result = await failing('released', { answered: true });
    expect([result.settled, result.posts.on(result.exchange)]).toEqual([['released'], []]);
  });
  test('what the client gave up before is not answered', async () => {
    const posts = await open();
    const exchange = await posts.post(modernCall(1, 'few'));
    const sent = posts.sent.flatMap(({ id }) => id ?? []);
    posts.session.left(exchange);
    await posts.session.upstreamFailed(sent, { outcome: 'released', why: 'aborted' });
    expect([posts.on(exchange), outcomes(posts)]).toEqual([[], ['kept']]);
  });
});

describe('wire.md §2.9: relaying in place', () => {
  const list = reply(1, { tools: [{ name: 'hidden' }, { name: 'seen' }] });
  const hiding = () =>
    openPosts({ resumable: true }, { policy: 'version: "1"\nhide: [hidden]\ntools:\n  few: {rules: [{rate_limit: 9/hour}]}\n' });
  test('an answer is filtered and settled on whatever stream it comes, once', async () => {
    const posts = await hiding();
    await posts.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    await posts.post(call(2, 'few'));
    expect((await posts.relay(list)).flat().map(({ result }) => result.tools)).toEqual([[{ name: 'seen' }]]);
    expect(ids(await posts.relay(reply(2)))).toEqual([2]);
    expect(outcomes(posts)).toEqual(['committed']);
  });
  test('what comes again on a resumed stream is filtered again, and settles nothing', async () => {
    const posts = await hiding();
    await posts.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const exchange = await posts.post(call(2, 'few'));
    posts.session.left(exchange);
    const first = [await posts.relay(list), await posts.relay(reply(2))];
    const again = [await posts.relay(list), await posts.relay({ jsonrpc: '2.0', id: 2, error: { code: -1, message: 'now it failed' } })];
    expect(again[0]).toEqual(first[0] as Message[]);
    expect([ids(again[1] ?? []), outcomes(posts), await posts.rig.counted()]).toEqual([[2], ['committed'], [1]]);
  });
  test('an old answer that comes again settles no new call under its id', async () => {
    const posts = await hiding();
    await posts.post(call(1, 'few'));
    const failed = { jsonrpc: '2.0', id: 1, error: { code: -1, message: 'no' } };
    await posts.relay(failed);
    await posts.post(call(1, 'few'));
    expect(typeof posts.messages()[1]?.id).toBe('string');
    await posts.relay(failed);
    await posts.relay(reply(posts.messages()[1]?.id));
    expect([outcomes(posts), await posts.rig.counted()]).toEqual([['released', 'committed'], [1]]);
  });
  test('wire.md §2.13: of many past answers the oldest are forgotten, and then no id is sent that may have been used', async () => {
    const posts = await hiding();
    const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
    for (let n = 0; n <= 2_048; n++) {
      await posts.post(ping(n));
      await posts.relay(reply(n, {}));
    }
    expect([await posts.relay(reply(0, {})), (await posts.relay(reply(1, {}))).length]).toEqual([[], 1]);
    posts.sent.length = 0;
    for (const id of [0, 3000, 2999, 'x']) await posts.post(ping(id));
    expect(posts.messages().map(({ id }) => typeof id)).toEqual(['string', 'number', 'string', 'string']);
    expect(posts.messages()[3]?.id).not.toBe('x');
  });
  test('what nobody asked for is dropped, and what is not read is an error in its place', async () => {
    const posts = await hiding();
    await posts.post(call(1, 'few'));
    expect([await posts.relay(reply(77)), await posts.relay('<html>')]).toEqual([[], []]);
    expect((await posts.relay('{"jsonrpc":"2.0","id":1,"result":{"isError":3}}')).flat().map(verdict)).toEqual(['error -32603']);
    expect(outcomes(posts)).toEqual(['kept']);
  });
  test('what the proxy asks itself is taken from any stream, and shown to nobody', async () => {
    const posts = await hiding();
    const refreshed = posts.session.refreshTools();
    const id = posts.messages()[0]?.id;
    expect(posts.sent[0]).toMatchObject({ kind: 'request', own: true, message: { method: 'tools/list' } });
    expect(await posts.relay(reply(id, { tools: [{ name: 'seen', inputSchema: { type: 'object' } }] }))).toEqual([]);
    await refreshed;
    expect(posts.session.inputSchemaOf('seen')).toEqual(new Map([['type', 'object']]));
  });
});

test('wire.md §2.6: a body may have line breaks between its tokens, and goes on with them; one that was read already is not read again', async () => {
  const posts = await open();
  const exchange: Exchange = { id: 'x' };
  const body = new TextEncoder().encode('{\n"jsonrpc":"2.0",\r\n\t"id":1,"method":"ping"}');
  posts.session.fromAgent([{ kind: 'line', bytes: body }], exchange);
  const frame = readClientFrame(body, { maxDepth: 256, maxName: 1024, anySpace: true });
  // Were it read again, it would be refused.
  posts.session.fromAgent([{ kind: 'line', bytes: new TextEncoder().encode('{broken'), frame }], { id: 'y' });
  await posts.session.agentIdle();
  expect(posts.sent[0]?.bytes).toBe(body);
  expect(posts.messages().map(({ method }) => method)).toEqual(['ping', 'ping']);
});

test('I9: over HTTP what comes after the end is answered, refused or not, in an array where it was one', async () => {
  const posts = await open();
  await posts.session.end('over');
  const [a, b, c] = [
    await posts.post(call(1, 'a')),
    await posts.post('{broken'),
    await posts.post(JSON.stringify([call(1, 'a'), call(2, 'a')])),
  ];
  expect([posts.on(a), posts.on(b)].map((frames) => frames.flat().map(({ id, error }) => [id, error?.code]))).toEqual([
    [[1, -32000]],
    [[null, -32000]],
  ]);
  expect(posts.on(c).map((frame) => ids([frame]))).toEqual([[1, 2]]);
  const one = await posts.post(JSON.stringify([call(1, 'a')]));
  expect(posts.on(one)).toMatchObject([[{ id: 1 }]]);
});
