/** Whole conversations in every revision (wire.md §1), and what the agent sees of a refusal (policy.md §13). */
import { describe, expect, test } from 'bun:test';
import { DECISION, handshake, META, MODERN, OK, openRig, type Responder, verdict } from './fixture.ts';

const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const POLICY = `
version: "1"
name: eras
hide: [secret]
tools:
  refund:
    rules:
      - {name: small, conditions: [{path: args.amount, op: lte, value: 100}], on_deny: "At most 100"}
  wire:
    rules:
      - {name: ask, action: require_approval}
  burst:
    rules:
      - {name: slow, rate_limit: 1/hour}
`;
const TOOLS = ['refund', 'secret', 'wire', 'burst'].map((name) => ({ name, inputSchema: { type: 'object' } }));

const respond: Responder = ({ method, params }) => {
  if (method === 'server/discover') return { result: { supportedVersions: [MODERN], capabilities: { tools: {} }, resultType: 'complete' } };
  if (method === 'tools/list')
    return { result: { tools: TOOLS, ...(params?._meta && { resultType: 'complete', ttlMs: 999_999_999, cacheScope: 'public' }) } };
  return { result: { ...OK, ...(params?._meta && { resultType: 'complete' }) } };
};

describe.each([...LEGACY, MODERN])('%s', (version) => {
  const modern = version === MODERN;
  const open = async () => {
    const rig = await openRig({
      policy: POLICY,
      respond: (request) =>
        request.method === 'initialize' ? { result: { protocolVersion: version, capabilities: { tools: {} } } } : respond(request),
    });
    if (!modern) await handshake(rig, version);
    const more = modern ? { _meta: META } : {};
    return { rig, more, call: (name: string, args: object = {}) => rig.call(name, args, more) };
  };

  test('list and calls: hidden tools are gone, what is allowed passes as sent, the rest is refused by its rule', async () => {
    const { rig, more, call } = await open();
    const list = await rig.request('tools/list', more);
    expect(list?.result.tools.map(({ name }: { name: string }) => name)).toEqual(['refund', 'wire', 'burst']);
    expect(verdict(await call('refund', { amount: 100 }))).toBe('server');
    const denied = await call('refund', { amount: 101 });
    expect(denied?.result).toMatchObject({ isError: true, content: [{ type: 'text', text: '[INTERCEPT POLICY DENIED] At most 100' }] });
    expect(denied?.result._meta[DECISION]).toEqual({ outcome: 'denied', rule: 'small', code: 'rule', retryable: false });
    expect(verdict(await call('secret'))).toBe('denied hidden');
    expect(verdict(await call('burst'))).toBe('server');
    const limited = await call('burst');
    expect(limited?.result._meta[DECISION]).toMatchObject({ code: 'rate_limit', retryable: true, retry_after: 3600 });
    expect(verdict(await call('wire'))).toBe('held approval_required');
    expect(rig.executed()).toEqual(['refund', 'burst']);
  });

  test('policy.md §13: only the modern era has resultType on what is denied or held', async () => {
    const { call } = await open();
    for (const answer of [await call('secret'), await call('wire')]) {
      expect(answer?.result.resultType).toBe(modern ? 'complete' : undefined);
    }
  });

  test('wire.md §3: listChanged is declared', async () => {
    const { rig } = await open();
    const answer = modern ? await rig.request('server/discover', { _meta: META }) : rig.answersTo('init')[0];
    expect(answer?.result.capabilities.tools).toEqual({ listChanged: true });
  });

  test('policy.md §13: a server cannot pass its answer off as a decision', async () => {
    const rig = await openRig({ respond: () => ({ result: { ...OK, _meta: { [DECISION]: { outcome: 'replayed' }, own: 1 } } }) });
    if (!modern) await handshake(rig, version);
    expect((await rig.call('t'))?.result._meta).toEqual({ own: 1 });
  });
});

test('wire.md §3: in the modern era a filtered page is private and short-lived, an unfiltered one is as it was', async () => {
  const rig = await openRig({ policy: POLICY, respond });
  expect((await rig.request('tools/list', { _meta: META }))?.result).toMatchObject({ cacheScope: 'private', ttlMs: 60_000 });
  const open = await openRig({ respond });
  expect((await open.request('tools/list', { _meta: META }))?.result).toMatchObject({ cacheScope: 'public', ttlMs: 999_999_999 });
});

test('a call without an id is of the era that it says, and so are those after it', async () => {
  const rig = await openRig({ policy: 'version: "1"\ntools:\n  t: {rules: [{rate_limit: {max: 1, window: hour, per: session}}]}\n' });
  await rig.send({ jsonrpc: '2.0', method: 'tools/call', params: { name: 't', arguments: {}, _meta: META } });
  expect(verdict(await rig.call('t', {}, { _meta: META }))).toBe('denied rate_limit');
  expect(rig.calls().map(({ session }) => session)).toEqual([undefined, undefined]);
});

test('in the modern era each request says who sends it', async () => {
  const rig = await openRig();
  await rig.call('t', {}, { _meta: META });
  await rig.call('t', {}, { _meta: { ...META, 'io.modelcontextprotocol/clientInfo': { name: 'another', version: '1' } } });
  expect(rig.calls().map(({ client }) => client)).toEqual(['modern-agent', 'another']);
});

test('the agent’s own word about itself is recorded as the client, and is never its identity', async () => {
  const rig = await openRig({ policy: 'version: "1"\ntools:\n  t: {rules: [{action: deny, agents: [bob]}]}\n', agent: 'alice' });
  await handshake(rig, '2025-11-25');
  await rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: {} } });
  expect(rig.calls()[0]).toMatchObject({ agent: 'alice', client: 'legacy-agent', result: 'allowed' });
  const unknown = await openRig({ policy: 'version: "1"\ntools:\n  t: {rules: [{action: deny, agents: [bob]}]}\n' });
  expect(verdict(await unknown.call('t'))).toBe('denied rule');
});
