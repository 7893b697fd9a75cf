/** The approval page, shown by clients that declare URL elicitation (policy.md §12). */
import { describe, expect, test } from 'bun:test';
import { agreeable, DECISION, META, type Message, openRig, type Rig, verdict } from './fixture.ts';

const POLICY = 'version: "1"\ntools:\n  t: {rules: [{action: require_approval, name: ask, on_deny: "A human decides"}]}\n';
const SHOWS = { elicitation: { url: {} } };
const page = (id: string) => `http://127.0.0.1:1/approvals/${id}`;
const open = (more: object = {}) => openRig({ policy: POLICY, respond: agreeable, approvalPage: page, ...more });
const modern = { _meta: { ...META, 'io.modelcontextprotocol/clientCapabilities': SHOWS } };

async function greet(rig: Rig, capabilities: object): Promise<void> {
  await rig.request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'c', version: '1' } });
}
const asked = (rig: Rig) => rig.agent.flat().filter(({ method }) => method === 'elicitation/create');
const calls = (rig: Rig) => rig.server.filter(({ method }) => method === 'tools/call');
const pendingId = async (rig: Rig) => (await rig.store.approvals.list({ state: 'pending' }))[0]?.id as string;
const approve = (rig: Rig, id: string) => rig.store.approvals.decide({ id, verdict: 'approve', by: 'ada', reason: '' });

describe('legacy: as a request of the proxy', () => {
  test('the page is shown once for a record, and what the client answers decides nothing and goes nowhere', async () => {
    const rig = await open();
    await greet(rig, SHOWS);
    expect(verdict(await rig.call('t'))).toBe('held approval_required');
    const id = await pendingId(rig);
    const [request, ...others] = asked(rig);
    expect(others).toEqual([]);
    expect(request?.params).toMatchObject({ mode: 'url', url: page(id), elicitationId: id });
    // An agent that knew how the proxy's requests to the server are named could name its own like them.
    const toServer = rig.server.filter(({ method }) => method === 'tools/list').map(({ id }) => String(id));
    expect(toServer).toHaveLength(1);
    expect(toServer[0]?.slice(0, 12)).not.toBe(String(request?.id).slice(0, 12));
    const before = rig.server.length;
    await rig.send({ jsonrpc: '2.0', id: request?.id, result: { action: 'accept' } });
    expect(rig.server).toHaveLength(before);
    await rig.send({ jsonrpc: '2.0', id: 'intercept-page-other', result: {} });
    expect(rig.server).toHaveLength(before + 1);
    expect(verdict(await rig.call('t'))).toBe('held approval_required');
    expect(asked(rig)).toHaveLength(1);
    expect(calls(rig)).toEqual([]);
  });

  test('nothing is shown to clients that did not declare it, nor where the policy denies elicitation', async () => {
    const plain = await open();
    await greet(plain, { elicitation: { form: {} } });
    await plain.call('t');
    const denied = await open({ policy: `${POLICY}methods: {"elicitation/*": deny}\n` });
    await greet(denied, SHOWS);
    await denied.call('t');
    const without = await open({ approvalPage: undefined });
    await greet(without, SHOWS);
    await without.call('t');
    expect([plain, denied, without].flatMap(asked)).toEqual([]);
  });

  test('the tool result itself never holds a link', async () => {
    const rig = await open();
    await greet(rig, SHOWS);
    expect(JSON.stringify(await rig.call('t'))).not.toContain('http');
  });
});

describe('modern: as input_required', () => {
  const askedState = (answer: Message | undefined) => answer?.result?.requestState as string;
  const back = (state: string, responses: object = { intercept_approval: { action: 'accept' } }) => ({
    ...modern,
    inputResponses: responses,
    requestState: state,
  });

  test('the client comes back after the approval, and what it brings stays here', async () => {
    const rig = await open();
    const first = await rig.call('t', { n: 1 }, modern);
    const id = await pendingId(rig);
    expect(first?.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { intercept_approval: { method: 'elicitation/create', params: { mode: 'url', url: page(id) } } },
      _meta: { [DECISION]: { outcome: 'held', approval_id: id } },
    });
    await approve(rig, id);
    expect(verdict(await rig.call('t', { n: 1 }, back(askedState(first))))).toBe('server');
    expect(calls(rig).map(({ params }) => params)).toEqual([{ name: 't', arguments: { n: 1 }, ...modern }]);
    expect(verdict(await rig.call('t', { n: 1 }, back(askedState(first))))).toBe('held approval_required');
  });

  test('I5: coming back lets nothing pass by itself: the call is held, in words', async () => {
    const rig = await open();
    const first = await rig.call('t', {}, modern);
    for (const action of ['accept', 'decline', 'cancel']) {
      const again = await rig.call('t', {}, back(askedState(first), { intercept_approval: { action } }));
      expect(verdict(again)).toBe('held approval_required');
      expect(again?.result.resultType).toBe('complete');
    }
    expect(calls(rig)).toEqual([]);
  });

  test('a state that is forged, for another call, or over is refused, and none of it reaches the server', async () => {
    const rig = await open();
    const state = askedState(await rig.call('t', { n: 1 }, modern));
    const [until = '', ...rest] = state.slice('intercept-approval.'.length).split('.');
    const forged = [
      `${state}x`,
      `intercept-approval.${Number(until) + 1}.${rest.join('.')}`,
      'intercept-approval.',
      'intercept-approval...',
    ];
    for (const one of forged) expect(verdict(await rig.call('t', { n: 1 }, back(one)))).toBe('error -32602');
    expect(verdict(await rig.call('t', { n: 2 }, back(state)))).toBe('error -32602');
    rig.advance(16 * 60_000);
    expect(verdict(await rig.call('t', { n: 1 }, back(state)))).toBe('error -32602');
    expect(calls(rig)).toEqual([]);
  });

  test('a client without the capability gets the words at once', async () => {
    const rig = await open();
    expect(verdict(await rig.call('t', {}, { _meta: META }))).toBe('held approval_required');
  });
});
