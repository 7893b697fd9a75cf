/** Requests other than tool calls, both ways (policy.md §2 `methods`), and the pause (§11). */
import { describe, expect, test } from 'bun:test';
import { AuditError } from '../../src/core/audit.ts';
import { agreeable, META, openRig, verdict } from './fixture.ts';

const POLICY = 'version: "1"\nmethods:\n  "resources/*": deny\n  resources/list: allow\n  sampling/createMessage: deny\n';

describe('policy.md §2: methods', () => {
  test.each([
    ['resources/read', 'error -32010'],
    ['resources/list', 'server'],
    ['prompts/get', 'server'],
    ['tools/list', 'server'],
    ['ping', 'server'],
  ])('%s from the agent: %s', async (method, expected) => {
    const rig = await openRig({ policy: POLICY, respond: () => ({ result: { tools: [] } }) });
    const answer = await rig.request(method, {});
    expect(verdict(answer)).toBe(expected);
    expect(rig.server.length).toBe(expected === 'server' ? 1 : 0);
    if (expected !== 'server') expect(answer?.error?.data).toMatchObject({ outcome: 'denied', code: 'rule', rule: '(methods)' });
  });

  test.each([
    ['resources/list', { resources: [] }],
    ['resources/templates/list', { resourceTemplates: [] }],
    ['prompts/list', { prompts: [] }],
  ])('%s is answered with an empty list where it is denied, and recorded as denied', async (method, list) => {
    const rig = await openRig({ policy: 'version: "1"\nmethods: deny\n' });
    const mark = { 'policylayer.com/decision': { outcome: 'denied', code: 'rule', rule: '(methods)', retryable: false } };
    expect((await rig.request(method, {}))?.result).toEqual({ ...list, _meta: mark });
    // 2026-07-28 wants a result to say what it is, and how long it may be kept.
    const modern = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
    expect((await rig.request(method, { _meta: META }))?.result).toEqual({ ...list, ...modern, _meta: mark });
    expect(rig.server).toEqual([]);
    expect(rig.events).toMatchObject([{ fields: { result: 'denied' } }, { fields: { result: 'denied' } }]);
  });

  test('a denied request without an id is dropped, and recorded', async () => {
    const rig = await openRig({ policy: POLICY });
    await rig.send({ jsonrpc: '2.0', method: 'resources/read', params: { uri: 'a' } });
    expect([rig.server, rig.agent]).toEqual([[], []]);
    expect(rig.events).toMatchObject([{ type: 'request', fields: { method: 'resources/read', result: 'denied', uri: 'a' } }]);
  });

  test('from the server: the request is answered in the agent’s place', async () => {
    const rig = await openRig({ policy: POLICY });
    await rig.say({ jsonrpc: '2.0', id: 7, method: 'sampling/createMessage', params: {} });
    expect(rig.agent).toEqual([]);
    expect(rig.server).toMatchObject([{ id: 7, error: { code: -32010 } }]);
    await rig.say({ jsonrpc: '2.0', id: 8, method: 'roots/list' });
    expect(rig.agent).toMatchObject([{ id: 8, method: 'roots/list' }]);
  });

  test('default: deny refuses what MCP does not define, and tools/* but list and call', async () => {
    const rig = await openRig({ policy: 'version: "1"\ndefault: deny\n', respond: () => ({ result: { tools: [] } }) });
    const asked = ['x/y', 'tools/execute', 'prompts/get', 'tools/list'];
    const all: string[] = [];
    for (const method of asked) all.push(verdict(await rig.request(method, {})));
    expect(all).toEqual(['error -32010', 'error -32010', 'server', 'server']);
  });

  test('in shadow mode nothing is refused, and the record says what would have been', async () => {
    const rig = await openRig({ policy: `${POLICY}mode: shadow\n`, respond: agreeable });
    expect(verdict(await rig.request('resources/read', { uri: 'a' }))).toBe('server');
    expect(rig.events).toMatchObject([{ fields: { result: 'allowed', shadow: true, rule: '(methods)' } }]);
  });
});

describe('policy.md §11: paused', () => {
  const paused = async (policy = 'version: "1"\n') => {
    const rig = await openRig({ policy, respond: () => ({ result: { tools: [] } }) });
    rig.pause = { policy: undefined, reason: 'an incident', since: 0 };
    return rig;
  };

  test.each([
    'ping',
    'initialize',
    'server/discover',
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'roots/list',
  ])('%s passes', async (method) => {
    const rig = await paused();
    expect(verdict(await rig.request(method, {}))).toBe('server');
  });

  test.each(['resources/read', 'prompts/get', 'completion/complete', 'tasks/result', 'subscriptions/listen', 'logging/setLevel', 'x/y'])(
    '%s is refused',
    async (method) => {
      const rig = await paused();
      const answer = await rig.request(method, {});
      expect(answer?.error).toMatchObject({ code: -32010, data: { code: 'paused', rule: '(paused)' } });
      expect(answer?.error?.message).toEndWith('All tool calls are paused: an incident');
      expect(rig.server).toEqual([]);
    },
  );

  test('calls are denied, with and without ids, before anything else is looked at, in shadow mode too', async () => {
    for (const mode of ['enforce', 'shadow']) {
      const rig = await paused(`version: "1"\nmode: ${mode}\nhide: [t]\n`);
      const answer = await rig.call('t');
      expect(answer?.result.content[0].text).toBe('[INTERCEPT POLICY DENIED] All tool calls are paused: an incident');
      await rig.send({ jsonrpc: '2.0', method: 'tools/call', params: { name: 't' } });
      expect(rig.server).toEqual([]);
    }
  });

  test('what the server asks is refused', async () => {
    const rig = await paused();
    await rig.say({ jsonrpc: '2.0', id: 1, method: 'sampling/createMessage' });
    expect(rig.agent).toEqual([]);
    expect(rig.server).toMatchObject([{ error: { code: -32010 } }]);
  });

  test('a pause that cannot be read denies as an internal error; lists and the life cycle pass', async () => {
    const rig = await paused();
    rig.pause = 'unknown';
    expect(verdict(await rig.call('t'))).toBe('denied state_error');
    expect((await rig.request('resources/read', {}))?.error).toMatchObject({ code: -32010, data: { code: 'state_error' } });
    expect(verdict(await rig.request('ping'))).toBe('server');
  });
});

describe('wire.md §3: the list', () => {
  const TOOLS = ['a', 'b', 'c', 'hidden', 'denied'].map((name) => ({ name, inputSchema: { type: 'object' }, note: `the tool ${name}` }));
  const POLICIES = {
    hide: 'version: "1"\nhide: [hidden, "b*"]\ntools:\n  denied: {rules: [{action: deny}]}\n',
    unlistedHidden: 'version: "1"\ndefault: deny\ntools:\n  a: {rules: []}\n',
    unlistedShown: 'version: "1"\ndefault: deny\nunlisted: show\nhide: [hidden]\ntools:\n  a: {rules: []}\n',
    hideAll: 'version: "1"\nhide: "*"\n',
    shadow: 'version: "1"\nmode: shadow\nhide: [hidden]\n',
  };

  test.each([
    ['hide', ['a', 'c', 'denied']],
    ['unlistedHidden', ['a']],
    ['unlistedShown', ['a', 'b', 'c', 'denied']],
    ['hideAll', []],
    ['shadow', ['a', 'b', 'c', 'hidden', 'denied']],
  ] as const)('%s', async (which, names) => {
    const rig = await openRig({ policy: POLICIES[which], respond: () => ({ result: { tools: TOOLS, other: 1.0 } }) });
    const result = (await rig.request('tools/list'))?.result;
    expect(result).toEqual({ tools: TOOLS.filter(({ name }) => (names as readonly string[]).includes(name)), other: 1 });
  });

  test('hidden tools leave every page, and nextCursor stays, the empty one too', async () => {
    const rig = await openRig({
      policy: POLICIES.hide,
      respond: ({ params }) =>
        params?.cursor === undefined ? { result: { tools: [TOOLS[3]], nextCursor: '' } } : { result: { tools: [TOOLS[0], TOOLS[3]] } },
    });
    expect((await rig.request('tools/list'))?.result).toEqual({ tools: [], nextCursor: '' });
    expect((await rig.request('tools/list', { cursor: '' }))?.result).toEqual({ tools: [TOOLS[0]] });
  });

  test.each([{ tools: {} }, { tools: [], nextCursor: 7 }, {}])('a page that cannot be read is an error, not a leak: %j', async (result) => {
    const rig = await openRig({ policy: POLICIES.hide, respond: () => ({ result }) });
    expect(verdict(await rig.request('tools/list'))).toBe('error -32603');
  });

  test('a reload that changes what is visible is announced, once the agent is ready; to listeners in the modern era', async () => {
    const rig = await openRig({
      policy: POLICIES.hide,
      respond: ({ method }) => (method === 'tools/list' ? { result: { tools: TOOLS } } : undefined),
    });
    await rig.request('tools/list');
    const told = () => rig.agent.flat().filter(({ method }) => method === 'notifications/tools/list_changed');
    await rig.reload(POLICIES.hideAll);
    expect(told()).toEqual([]);
    await rig.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await rig.reload(`${POLICIES.hideAll}description: the same to see\n`);
    expect(told()).toEqual([]);
    await rig.reload(POLICIES.hide);
    expect(told()).toEqual([{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }]);
    await rig.send(
      { jsonrpc: '2.0', id: 'L', method: 'subscriptions/listen', params: { _meta: META, notifications: { toolsListChanged: true } } },
      { jsonrpc: '2.0', id: 'M', method: 'subscriptions/listen', params: { _meta: META, notifications: { promptsListChanged: true } } },
    );
    await rig.reload(undefined);
    expect(told().at(-1)?.params).toEqual({ _meta: { 'io.modelcontextprotocol/subscriptionId': 'L' } });
    expect(told().length).toBe(3);
  });

  test('wire.md §2.13: beyond 100 pages a list is an error', async () => {
    const rig = await openRig({
      respond: ({ params }) => ({ result: { tools: [], nextCursor: String(Number(params?.cursor ?? 0) + 1) } }),
    });
    const verdicts: string[] = [];
    for (let page = 0; page <= 100; page++)
      verdicts.push(verdict(await rig.request('tools/list', page === 0 ? {} : { cursor: String(page) })));
    expect(verdicts.slice(0, 100)).toEqual(Array(100).fill('server'));
    expect(verdicts[100]).toBe('error -32603');
  });

  test('a look-alike is refused, unless the server has a tool of exactly that name', async () => {
    const policy = 'version: "1"\ntools:\n  pay: {rules: []}\n';
    const rig = await openRig({
      policy,
      respond: (request) => (request.method === 'tools/list' ? { result: { tools: [{ name: 'Pay' }] } } : agreeable(request)),
    });
    expect(verdict(await rig.call('Pay'))).toBe('denied look_alike');
    await rig.request('tools/list');
    expect(verdict(await rig.call('Pay'))).toBe('server');
    expect(verdict(await rig.call('PAY'))).toBe('denied look_alike');
  });
});

describe('wire.md §2.4: methods by another spelling', () => {
  const OPEN = 'version: "1"\nmethods:\n  resources/read: deny\n  "vendor/*": deny\n  "corp.io/*": deny\n  my/thing: allow\n';
  test.each([
    'Resources/Read',
    'resources/read ',
    'resources/read\u0000',
    'resources/read\u0000x',
    '\u0000resources/read',
    'resources//read',
    'resources\u2215read',
    'resources\\read',
    'prompts\u2215get',
    'ＰＲＯＭＰＴＳ/get',
    'sampling/createmessage',
    'Notifications/Initialized',
    'PING',
    'My/Thing',
    'VENDOR/wipe',
    ...['tools.call', 'tools_call', 'toolsCall', 'tools-call', 'tools:call', 'tools%2Fcall', 'tools/./call', '/tools/call/', 'TOOLS__CALL'],
    ...['resources.read', 'resources_read', 'resourcesRead', './resources/read', 'vendor.wipe', 'my_thing', 'notifications_initialized'],
    ...['Corp.io/wipe', 'corp_io.wipe'],
  ])('%j is refused, and recorded, in shadow mode too', async (method) => {
    for (const policy of [OPEN, `${OPEN}mode: shadow\n`]) {
      const rig = await openRig({ policy, respond: agreeable });
      expect(verdict(await rig.request(method, {}))).toBe('error -32600');
      await rig.send({ jsonrpc: '2.0', method, params: {} });
      expect(rig.server).toEqual([]);
      expect(rig.events.map((event) => 'fields' in event && event.fields['reason'])).toEqual(['look_alike_method', 'look_alike_method']);
    }
  });

  test.each(['my/thing', 'other/thing', 'resources/readAll', 'prompts/get/all'])('%j is another method, and passes', async (method) => {
    const rig = await openRig({ policy: OPEN, respond: agreeable });
    expect(verdict(await rig.request(method, {}))).toBe('server');
  });

  test('from the server it is what it resembles', async () => {
    const rig = await openRig({ policy: 'version: "1"\n' });
    await rig.say({ jsonrpc: '2.0', id: 7, method: 'Sampling/CreateMessage', params: {} });
    expect([rig.agent, rig.server[0]?.error?.code]).toEqual([[], -32010]);
  });

  test.each([
    ['version: "1"\n', 'error -32010'],
    ['version: "1"\nmethods: {"*": allow}\n', 'error -32010'],
    ['version: "1"\nmethods: {tools/execute: allow}\n', 'server'],
    ['version: "1"\nmethods: {"tools/*": allow}\n', 'server'],
  ])('policy.md §2: other methods of tools pass only where they are named: %j', async (policy, expected) => {
    const rig = await openRig({ policy, respond: agreeable });
    expect(verdict(await rig.request('tools/execute', { name: 't' }))).toBe(expected);
  });
});

describe('policy.md §2: notifications that MCP does not know fall under `methods`', () => {
  const notice = { jsonrpc: '2.0', method: 'notifications/custom/do', params: { name: 'danger' } };
  test.each([
    ['version: "1"\n', 1, 'allowed'],
    ['version: "1"\ndefault: deny\n', 0, 'denied'],
    ['version: "1"\nmethods: {"notifications/custom/*": deny}\n', 0, 'denied'],
    ['version: "1"\ndefault: deny\nmethods: {notifications/custom/do: allow}\n', 1, 'allowed'],
  ])('%j: %d reach the server, and the record says so', async (policy, reached, result) => {
    const rig = await openRig({ policy });
    await rig.send(notice);
    expect(rig.server.length).toBe(reached);
    expect(rig.events).toMatchObject([{ type: 'request', fields: { method: notice.method, from: 'agent', result } }]);
    await rig.say(notice);
    expect(rig.agent.length).toBe(reached);
  });

  test('those of MCP pass whatever the policy says, and are not recorded', async () => {
    const rig = await openRig({ policy: 'version: "1"\ndefault: deny\nmethods: {"*": deny}\n' });
    await rig.send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
    await rig.say({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } });
    expect([rig.server.length, rig.agent.length, rig.events]).toEqual([1, 1, []]);
  });
});

describe('policy.md §11: what the agent says of its own accord while paused', () => {
  const accept = { jsonrpc: '2.0', id: 's1', result: { action: 'accept', content: { really: true } } };
  const asked = async (method: string, policy = 'version: "1"\n') => {
    const rig = await openRig({ policy });
    await rig.say({ jsonrpc: '2.0', id: 's1', method, params: {} });
    return rig;
  };
  const pause = { policy: undefined, reason: 'an incident', since: 0 };

  test.each(['notifications/progress', 'notifications/custom', 'notifications/roots/list_changed'])(
    '%s is dropped, and recorded',
    async (method) => {
      for (const mode of ['enforce', 'shadow']) {
        const rig = await openRig({ policy: `version: "1"\nmode: ${mode}\n` });
        rig.pause = pause;
        await rig.send({ jsonrpc: '2.0', method, params: {} });
        expect([rig.server, rig.agent]).toEqual([[], []]);
        expect(rig.events).toMatchObject([{ type: 'request', fields: { method, from: 'agent', result: 'denied', rule: '(paused)' } }]);
      }
    },
  );

  test.each(['notifications/initialized', 'notifications/cancelled'])('%s passes', async (method) => {
    const rig = await openRig();
    rig.pause = pause;
    await rig.send({ jsonrpc: '2.0', method, params: { requestId: 1 } });
    expect(rig.server).toMatchObject([{ method }]);
  });

  test.each(['elicitation/create', 'sampling/createMessage', 'x/y', undefined])(
    'its answer to %s becomes an error, and is recorded',
    async (method) => {
      for (const mode of ['enforce', 'shadow']) {
        const rig = await asked(method ?? 'roots/list', `version: "1"\nmode: ${mode}\n`);
        rig.pause = pause;
        await rig.send(method === undefined ? { ...accept, id: 'of-nobody' } : accept);
        expect(rig.server).toMatchObject([{ error: { code: -32010, data: { code: 'paused' } } }]);
        expect(JSON.stringify(rig.server)).not.toContain('really');
        expect(rig.events.at(-1)).toMatchObject({ type: 'request', fields: { method, from: 'agent', result: 'denied', rule: '(paused)' } });
      }
    },
  );

  test('its error without an id is dropped', async () => {
    const rig = await openRig();
    rig.pause = pause;
    await rig.send({ jsonrpc: '2.0', id: null, error: { code: 1, message: 'x' } });
    expect(rig.server).toEqual([]);
  });

  test.each(['ping', 'roots/list'])('its answer to %s passes: so does the question', async (method) => {
    const rig = await asked(method);
    rig.pause = pause;
    await rig.send({ ...accept, result: {} });
    expect(rig.server).toMatchObject([{ id: 's1', result: {} }]);
  });

  test('a pause that cannot be read stops answers and notifications, too', async () => {
    const rig = await asked('elicitation/create');
    rig.pause = 'unknown';
    await rig.send(accept, { jsonrpc: '2.0', method: 'notifications/custom' });
    expect(rig.server).toMatchObject([{ id: 's1', error: { data: { code: 'state_error' } } }]);
  });
});

describe('policy.md §11: answers that decide something are recorded', () => {
  const answer = { jsonrpc: '2.0', id: 's1', result: { action: 'accept', content: { account: 'ceo' } } };
  test.each(['elicitation/create', 'sampling/createMessage'])('to %s, with what they say', async (method) => {
    const rig = await openRig();
    await rig.say({ jsonrpc: '2.0', id: 's1', method, params: {} });
    await rig.send(answer);
    expect(rig.serverTexts).toEqual([JSON.stringify(answer)]);
    expect(rig.events.at(-1)).toMatchObject({
      type: 'request',
      fields: { method, from: 'agent', result: 'allowed', request_id: '"s1"', inputs: JSON.stringify(answer.result) },
    });
  });

  test('to ping and roots they are not', async () => {
    const rig = await openRig();
    await rig.say({ jsonrpc: '2.0', id: 's1', method: 'roots/list', params: {} });
    await rig.send(answer);
    expect([rig.server.length, rig.events]).toEqual([1, []]);
  });

  test('I3: what cannot be recorded does not reach the server, which gets an error', async () => {
    const rig = await openRig({
      wrapAudit: (sink) => ({
        ...sink,
        write: (events) => {
          if (events.some((event) => 'fields' in event && event.fields['from'] === 'agent')) throw new AuditError('full');
          sink.write(events);
        },
      }),
    });
    await rig.say({ jsonrpc: '2.0', id: 's1', method: 'elicitation/create', params: {} });
    await rig.send(answer);
    expect(rig.server).toMatchObject([{ id: 's1', error: { code: -32603 } }]);
  });
});
