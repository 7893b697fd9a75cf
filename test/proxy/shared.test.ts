/** What several sessions of one agent share (wire.md §2.7, §2.11–2.13): in the modern era over HTTP each POST is a session of its own. */
import { describe, expect, test } from 'bun:test';
import { createShared, type SharedSession } from '../../src/proxy/shared.ts';
import { until } from '../harness/wait.ts';
import { lines, META, type Message, OK, openRig, type Rig, verdict } from './fixture.ts';
import { type Posts, postsOver } from './posts.ts';

const POLICY = 'version: "1"\ntools:\n  t: {rules: [{name: cap, rate_limit: 9/hour}]}\n  v: {rules: [{validate: {schema: true}}]}\n';
const call = (id: unknown, more: object = {}, name = 't') => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {}, _meta: META, ...more },
});
const reply = (id: unknown, result: object = OK) => ({ jsonrpc: '2.0', id, result });
const ASKS = { resultType: 'input_required', inputRequests: { k: { method: 'elicitation/create', params: {} } }, requestState: 's1' };
const RETRY = { inputResponses: { k: { action: 'accept' } }, requestState: 's1' };
const outcomes = (rig: Rig) => rig.outcomes().map(({ result }): string => result);

interface Agent {
  readonly shared: SharedSession;
  /** A session of its own for each POST. */
  post(body: object): Promise<{ readonly posts: Posts; readonly got: () => (Message | Message[])[] }>;
}

function agentOf(rig: Rig): Agent {
  const shared = createShared(rig.ports, rig.served);
  return {
    shared,
    async post(body) {
      const posts = postsOver(rig, { shared });
      const exchange = await posts.post(body);
      return { posts, got: () => posts.on(exchange) };
    },
  };
}

async function two(): Promise<{ rig: Rig; ours: Agent; theirs: Agent }> {
  const rig = await openRig({ policy: POLICY });
  return { rig, ours: agentOf(rig), theirs: agentOf(rig) };
}

describe('wire.md §2.12: legs', () => {
  test('a retry in another POST continues its call, and is counted once', async () => {
    const { rig, ours } = await two();
    const first = await ours.post(call(1));
    await first.posts.relay(reply(1, ASKS));
    await first.posts.session.end('done');
    expect(outcomes(rig)).toEqual([]);
    const second = await ours.post(call(1, RETRY));
    await second.posts.relay(reply(1));
    expect([await rig.counted(), outcomes(rig), new Set(rig.calls().map((one) => one.call)).size]).toEqual([[1], ['committed'], 1]);
  });
  test('another agent’s retry continues nothing', async () => {
    const { rig, ours, theirs } = await two();
    await (await ours.post(call(1))).posts.relay(reply(1, ASKS));
    await theirs.post(call(1, RETRY));
    expect([await rig.counted(), new Set(rig.calls().map((one) => one.call)).size]).toEqual([[2], 2]);
  });
  test('what is never continued is kept: after 15 minutes, or when the agent is done with', async () => {
    const { rig, ours } = await two();
    await (await ours.post(call(1))).posts.relay(reply(1, ASKS));
    await (await ours.post(call(2, { arguments: { a: 1 } }))).posts.relay(reply(2, ASKS));
    await ours.shared.sweep();
    expect(outcomes(rig)).toEqual([]);
    rig.advance(900_000);
    await ours.shared.sweep();
    expect(outcomes(rig)).toEqual(['kept', 'kept']);
    await (await ours.post(call(3))).posts.relay(reply(3, ASKS));
    await ours.shared.end('over');
    await ours.shared.end('over');
    expect(outcomes(rig)).toEqual(['kept', 'kept', 'kept']);
  });
});

describe('wire.md §2.13: bounds are per agent', () => {
  test('256 requests in flight, over all its sessions; an ended session gives its room back', async () => {
    const { ours, theirs } = await two();
    const open = [];
    for (let n = 0; n < 256; n++) open.push(await ours.post({ jsonrpc: '2.0', id: n, method: 'resources/read', params: { _meta: META } }));
    const refused = await ours.post(call(1));
    expect(refused.got().flat().map(verdict)).toEqual(['error -32600']);
    expect((await theirs.post(call(1))).got()).toEqual([]);
    await open[0]?.posts.session.end('done');
    await open[1]?.posts.relay(reply(1, {}));
    expect([(await ours.post(call(1))).got(), (await ours.post(call(1))).got()]).toEqual([[], []]);
    expect((await ours.post(call(1))).got().flat().map(verdict)).toEqual(['error -32600']);
  });
});

describe('tools', () => {
  test('a list that one POST saw is known to the next', async () => {
    const { ours } = await two();
    const listing = await ours.post({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } });
    await listing.posts.relay(reply(1, { tools: [{ name: 'v', inputSchema: { type: 'object', required: ['x'] } }] }));
    const bad = await ours.post(call(2, {}, 'v'));
    expect([bad.posts.sent.length, bad.got().flat().map(verdict)]).toEqual([0, ['denied schema']]);
  });
  const LIST = { tools: [{ name: 'v', inputSchema: { type: 'object' } }] };
  const asked = (posts: Posts) => until('the proxy to ask', () => posts.messages().find(({ method }) => method === 'tools/list')?.id);
  const called = (posts: Posts) => until('the call to go out', () => posts.messages().find(({ method }) => method === 'tools/call'));
  test('they are asked for once, by the POST that needed them first', async () => {
    const { rig, ours } = await two();
    const first = postInBackground(rig, ours, call(1, {}, 'v'));
    const second = postInBackground(rig, ours, call(1, {}, 'v'));
    await first.relay(reply(await asked(first), LIST));
    await Promise.all([called(first), called(second)]);
    expect([first, second].map((posts) => posts.messages().map(({ method }) => method))).toEqual([
      ['tools/list', 'tools/call'],
      ['tools/call'],
    ]);
  });
  test('by the next, where that POST is over before the answer came', async () => {
    const { rig, ours } = await two();
    const first = postInBackground(rig, ours, call(1, {}, 'v'));
    await asked(first);
    const second = postInBackground(rig, ours, call(1, {}, 'v'));
    await first.session.end('its client left');
    await second.relay(reply(await asked(second), LIST));
    await called(second);
    expect(first.messages().map(({ method }) => method)).toEqual(['tools/list']);
  });
});

/** A POST whose call waits for the tool list: the session is not idle yet. */
function postInBackground(rig: Rig, { shared }: Agent, body: object): Posts {
  const posts = postsOver(rig, { shared });
  posts.session.fromAgent(lines([body]), { id: 'waits' });
  return posts;
}

describe('wire.md §2.7: tasks belong to the agent that opened them', () => {
  const HANDLE = { task: { taskId: 'a', status: 'working' } };
  const opened = async () => {
    const agents = await two();
    const { posts } = await agents.ours.post(call(1));
    await posts.relay(reply(1, HANDLE));
    return agents;
  };
  const TASKS = { ...META, 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } };
  const ask = (method: string, params: object, _meta: object = TASKS) => ({ jsonrpc: '2.0', id: 5, method, params: { ...params, _meta } });
  test.each([
    ['tasks/result', -32601, TASKS],
    ['tasks/other', -32601, TASKS],
    ['tasks/get', -32021, META],
    ['tasks/cancel', -32021, META],
    ['tasks/get', -32602, {}],
    ['tasks/result', -32602, {}],
  ] as const)('%s: %i, as from a server that never had the task', async (method, code, meta) => {
    const { theirs } = await opened();
    const foreign = await theirs.post(ask(method, { taskId: 'a' }, meta));
    const never = await theirs.post(ask(method, { taskId: 'never' }, meta));
    expect(foreign.got().flat().map(verdict)).toEqual([`error ${code}`]);
    expect([foreign.posts.sent.length, never.got()]).toEqual([0, foreign.got()]);
  });
  test.each(['tasks/get', 'tasks/cancel', 'tasks/update'])(
    '%s of another’s task: -32602, and the server never hears of it',
    async (method) => {
      const { ours, theirs, rig } = await opened();
      const foreign = await theirs.post(ask(method, { taskId: 'a' }));
      expect([foreign.posts.sent.length, foreign.got()]).toEqual([
        0,
        [{ jsonrpc: '2.0', id: 5, error: { code: -32602, message: 'there is no such task' } }],
      ]);
      expect(rig.events.filter(({ type }) => type === 'refused').length).toBe(1);
      expect((await ours.post(ask(method, { taskId: 'a' }))).posts.sent.length).toBe(1);
    },
  );
  test.each([[{}], [{ taskId: 7 }], [{ taskId: null }], [{ taskId: ['a'] }], [{ taskId: 'A' }]])(
    '%j names no task of ours',
    async (params) => {
      const { ours } = await opened();
      const asked = await ours.post(ask('tasks/get', params));
      expect([asked.posts.sent.length, asked.got().flat().map(verdict)]).toEqual([0, ['error -32602']]);
    },
  );
  test('without an id it is dropped', async () => {
    const { ours, theirs } = await opened();
    const note = { jsonrpc: '2.0', method: 'tasks/cancel', params: { taskId: 'a' } };
    expect([(await theirs.post(note)).posts.sent.length, (await ours.post(note)).posts.sent.length]).toEqual([0, 1]);
  });
  test('a subscription to another’s task is refused', async () => {
    const { ours, theirs } = await opened();
    const listen = (notifications: object) => ask('subscriptions/listen', { notifications });
    for (const taskIds of [['a'], ['b', 'a'], 'a'])
      expect((await theirs.post(listen({ taskIds }))).got().flat().map(verdict)).toEqual(['error -32602']);
    expect((await ours.post(listen({ taskIds: ['a'] }))).posts.sent.length).toBe(1);
    expect((await theirs.post(listen({ toolsListChanged: true }))).posts.sent.length).toBe(1);
  });
  test('an ended task is still its owner’s', async () => {
    const { ours, rig } = await opened();
    for (let n = 0; n < 2; n++) {
      const { posts } = await ours.post(ask('tasks/get', { taskId: 'a' }));
      await posts.relay(reply(5, { taskId: 'a', status: 'completed' }));
    }
    expect(outcomes(rig)).toEqual(['committed']);
  });
  test('tasks/list shows each its own, and is the server’s otherwise, byte for byte', async () => {
    const { ours, theirs } = await opened();
    const page = (tasks: string) => `{"result": {"nextCursor":"n","tasks": [${tasks}], "x":1e400},"id":5,"jsonrpc":"2.0"}`;
    const A = '{"status":"working","taskId":"a","big":9007199254740993}';
    const B = '{"taskId":"b", "status":"completed"}';
    const list = async (agent: Agent, text: string) => {
      const { posts } = await agent.post(ask('tasks/list', {}));
      const [frame] = await posts.session.relay({ kind: 'line', bytes: new TextEncoder().encode(text) });
      return typeof frame === 'string' ? frame : new TextDecoder().decode(frame);
    };
    expect(await list(ours, page(`${A},${B}`))).toBe(page(A));
    expect(await list(ours, page(`${B}, ${A} `))).toBe(page(`${A} `));
    expect(await list(ours, page(A))).toBe(page(A));
    expect(await list(theirs, page(`${A},${B}`))).toBe(page(''));
    for (const unreadable of ['{"taskId":"a","taskId":"b"}', '{"taskid":"b"}', '7', '{"taskId":7}'])
      expect(JSON.parse(await list(ours, page(unreadable))).error.code).toBe(-32603);
  });
  test('legacy sessions that share nothing else have their tasks in common', async () => {
    const { rig, ours, theirs } = await opened();
    const session = (agent: Agent) => postsOver(rig, { ownTasks: agent.shared.ownTasks });
    const [mine, other] = [session(ours), session(theirs)];
    const refused = await other.post(ask('tasks/get', { taskId: 'a' }));
    await mine.post(ask('tasks/get', { taskId: 'a' }));
    expect([mine.sent.length, other.sent.length, other.on(refused).flat().map(verdict)]).toEqual([1, 0, ['error -32602']]);
  });
  test('a session that shares with nobody has the server’s own view', async () => {
    const rig = await openRig({ policy: POLICY });
    await rig.send(ask('tasks/get', { taskId: 'a' }));
    expect(rig.server.length).toBe(1);
  });
});
