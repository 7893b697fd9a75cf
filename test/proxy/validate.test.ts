/** `validate` against the server's own schemas (policy.md §3), and how the proxy learns them (wire.md §3). */
import { describe, expect, test } from 'bun:test';
import { until } from '../harness/wait.ts';
import { META, type Message, OK, openRig, type Responder, type Rig, verdict } from './fixture.ts';

const policy = (validate: string) => `version: "1"\ntools:\n  t: {rules: [{validate: {${validate}}}]}\n  free: {rules: []}\n`;
const SCHEMA = { type: 'object', properties: { n: { type: 'integer' }, s: { type: 'string' } }, required: ['n'] };
const serving =
  (tools: readonly object[], size = tools.length): Responder =>
  ({ method, params }) => {
    if (method !== 'tools/list') return { result: OK };
    const from = Number(params?.cursor ?? 0);
    return { result: { tools: tools.slice(from, from + size), ...(from + size < tools.length && { nextCursor: String(from + size) }) } };
  };
const T = { name: 't', inputSchema: SCHEMA };
const OTHERS = Array.from({ length: 5 }, (_, n) => ({ name: `other${n}`, inputSchema: { type: 'object' } }));
const lists = (rig: Rig): Message[] => rig.server.filter(({ method }) => method === 'tools/list');

describe('policy.md §3: validate', () => {
  test.each([
    ['required_args: true', { n: 1 }, 'server'],
    ['required_args: true', { n: 'x' }, 'server'],
    ['required_args: true', {}, 'denied schema'],
    ['required_args: true', { n: null }, 'denied schema'],
    ['required_args: true', { n: 1, N: 9 }, 'denied schema'],
    ['required_args: true', { N: 9, n: 1 }, 'denied schema'],
    ['required_args: true', { n: 1, 'n\u00ad': 9 }, 'denied schema'],
    ['required_args: true', { n: 1, S: 9 }, 'server'],
    ['schema: true', { n: 1 }, 'server'],
    ['schema: true', { n: 1, more: true }, 'server'],
    ['schema: true', { n: 1.5 }, 'denied schema'],
    ['schema: true', {}, 'denied schema'],
    ['schema: true', { n: 1, s: 2 }, 'denied schema'],
  ])('%s, %j: %s', async (rule, args, expected) => {
    const rig = await openRig({ policy: policy(rule), respond: serving([T]) });
    expect(verdict(await rig.call('t', args))).toBe(expected);
    expect(rig.executed().length).toBe(expected === 'server' ? 1 : 0);
  });

  test('a tool that the server does not list has no schema: denied', async () => {
    const rig = await openRig({ policy: policy('schema: true'), respond: serving(OTHERS) });
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('denied schema');
  });
});

describe('wire.md §3: the proxy asks for the list itself', () => {
  test('once, page by page, before the first call that needs it; the agent never sees it', async () => {
    const rig = await openRig({ policy: policy('schema: true'), respond: serving([...OTHERS, T], 2) });
    expect(verdict(await rig.call('free'))).toBe('server');
    expect(lists(rig)).toEqual([]);
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('server');
    expect(verdict(await rig.call('t', { n: 2 }))).toBe('server');
    expect(lists(rig).map(({ params }) => params?.cursor)).toEqual([undefined, '2', '4']);
    expect(rig.agent.length).toBe(3);
    expect(rig.events.filter(({ type }) => type === 'request')).toEqual([]);
  });

  test('not where the agent has listed before, and again after list_changed', async () => {
    let tools: readonly object[] = [T];
    const rig = await openRig({ policy: policy('schema: true'), respond: (request) => serving(tools)(request) });
    await rig.request('tools/list');
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('server');
    expect(lists(rig).length).toBe(1);
    tools = [{ ...T, inputSchema: { ...SCHEMA, required: ['n', 's'] } }];
    await rig.say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('denied schema');
    expect(lists(rig).length).toBe(2);
  });

  test.each(['required_args: true', 'schema: true'])('after list_changed the old list is not known any more: %s', async (rule) => {
    let changed = false;
    const rig = await openRig({
      policy: policy(rule),
      timeouts: { listing: 20 },
      respond: (request) => (changed && request.method === 'tools/list' ? undefined : serving([T])(request)),
    });
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('server');
    changed = true;
    await rig.say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('denied schema');
    expect(rig.calls().at(-1)?.message).toContain('not known');
    changed = false;
    rig.advance(30_000);
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('server');
  });

  test('a server that never lists: the call is denied when the time is up, others overtake it', async () => {
    const rig = await openRig({
      policy: policy('schema: true'),
      timeouts: { listing: 20 },
      respond: ({ method }) => (method === 'tools/list' ? undefined : { result: OK }),
    });
    await rig.send(
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: { n: 1 } } },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'free' } },
    );
    expect(rig.agent.flat().map(({ id }) => id)).toEqual([2, 1]);
    expect(rig.answersTo(1).map(verdict)).toEqual(['denied schema']);
  });

  test('a server that did not list is not asked anew for each call', async () => {
    const rig = await openRig({
      policy: policy('schema: true'),
      respond: ({ method }) => (method === 'tools/list' ? { error: { code: -32601, message: 'no tools' } } : { result: OK }),
    });
    for (let n = 0; n < 3; n++) expect(verdict(await rig.call('t', { n }))).toBe('denied schema');
    expect(lists(rig)).toHaveLength(1);
  });

  test.each([
    ['an error', { error: { code: -32601, message: 'no tools' } }],
    ['a list that cannot be read', { result: { tools: 7 } }],
    ['pages without an end', { result: { tools: [], nextCursor: 'again' } }],
  ])('%s: denied', async (_, answer) => {
    const rig = await openRig({
      policy: policy('schema: true'),
      respond: ({ method }) => (method === 'tools/list' ? answer : { result: OK }),
    });
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('denied schema');
    expect(lists(rig).length).toBeLessThanOrEqual(100);
  });

  test('in the modern era it carries the client’s own _meta', async () => {
    const rig = await openRig({ policy: policy('schema: true'), respond: serving([T]) });
    await rig.call('t', { n: 1 }, { _meta: META });
    expect(lists(rig)[0]?.params).toEqual({ _meta: META });
  });

  test('I9: a server that dies while it is asked: the call is answered once, and not judged afterwards', async () => {
    const rig = await openRig({ policy: policy('schema: true'), respond: () => undefined });
    const quiet = rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: { n: 1 } } });
    await until('the list is asked for', () => lists(rig)[0]);
    await rig.session.end('the server ended');
    await quiet;
    expect(rig.answersTo(1).map(verdict)).toEqual(['error -32000']);
    expect(rig.calls()).toEqual([]);
  });

  test('a large list that changes while it is read is asked for again', async () => {
    const asked: Message[] = [];
    const rig = await openRig({
      policy: policy('schema: true'),
      // Reading 90,000 tools takes a busy machine seconds.
      timeouts: { listing: 50_000 },
      respond: (request) => {
        if (request.method !== 'tools/list') return { result: OK };
        asked.push(request);
        return asked.length === 1 ? undefined : { result: { tools: [T] } };
      },
    });
    const calling = rig.call('t', { n: 'no number' });
    const { id } = await until('the list is asked for', () => asked[0]);
    // Reading so many takes a dozen turns: what comes behind them is dealt with before they are read.
    const tools = [{ name: 't', inputSchema: {} }, ...Array.from({ length: 90_000 }, (_, n) => ({ name: `more${n}`, inputSchema: {} }))];
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    await rig.say({ jsonrpc: '2.0', id, result: { tools } }, changed);
    expect(verdict(await calling)).toBe('denied schema');
    expect(asked.length).toBe(2);
  });

  test('a call that is cancelled while it waits for the list is neither judged nor sent', async () => {
    let list: Message | undefined;
    const rig = await openRig({
      policy: policy('schema: true'),
      respond: (request) => {
        if (request.method === 'tools/list') list = request;
        return undefined;
      },
    });
    const quiet = rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: { n: 1 } } });
    const cancelled = rig.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    const { id } = await until('the list is asked for, and the rest is read', () => (rig.session.backlog().agent > 0 ? undefined : list));
    await rig.say({ jsonrpc: '2.0', id, result: { tools: [T] } });
    await Promise.all([quiet, cancelled]);
    expect([rig.executed(), rig.calls(), rig.answersTo(1)]).toEqual([[], [], []]);
  });
});

describe('policy.md §12: an approval is for the tool as it is defined', () => {
  const ASK = 'version: "1"\ntools:\n  t: {rules: [{action: require_approval}]}\n  free: {rules: []}\n';
  const pending = async (rig: Rig) => (await rig.store.approvals.list({ state: 'pending' })).map(({ id }) => id);

  test('wire.md §3: held before and after the client’s own listing, one call has one record', async () => {
    const rig = await openRig({ policy: ASK, respond: serving([...OTHERS, T], 2) });
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('held approval_required');
    expect(lists(rig).length).toBe(3);
    expect(verdict(await rig.call('free'))).toBe('server');
    for (const cursor of [undefined, '2', '4']) await rig.request('tools/list', cursor === undefined ? {} : { cursor });
    expect(verdict(await rig.call('t', { n: 1 }))).toBe('held approval_required');
    expect((await pending(rig)).length).toBe(1);
    expect(lists(rig).length).toBe(6);
  });

  test('the schema engine is not loaded for it', async () => {
    let loaded = 0;
    const load = async () => {
      loaded++;
      throw new Error('not needed');
    };
    const rig = await openRig({ policy: ASK, respond: serving([T]), loadSchemaCompiler: load });
    await rig.call('t');
    expect([loaded, lists(rig).length]).toEqual([0, 1]);
  });

  test.each(['mode: shadow\n', ''])('nobody is asked where the rule only shadows: %j', async (mode) => {
    const policy = mode ? ASK + mode : ASK.replace('action:', 'mode: shadow, action:');
    const rig = await openRig({ policy, respond: serving([T]) });
    expect(verdict(await rig.call('t'))).toBe('server');
    expect(lists(rig)).toEqual([]);
  });

  test('a tool that was listed anew with another definition needs another one', async () => {
    let tools: readonly object[] = [T];
    const rig = await openRig({ policy: ASK, respond: (request) => serving(tools)(request) });
    await rig.call('t');
    tools = [{ ...T, description: 'now it deletes' }];
    await rig.say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await rig.call('t');
    expect((await pending(rig)).length).toBe(2);
  });
});
