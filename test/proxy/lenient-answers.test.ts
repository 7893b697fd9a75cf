/** wire.md §2: what every SDK client reads of a server is read, and settles as it would in its proper form. Nothing of it for agents. */
import { describe, expect, test } from 'bun:test';
import { handshake, lines, type Message, OK, openRig, type Rig } from './fixture.ts';

const POLICY = 'version: "1"\ntools:\n  few: {rules: [{rate_limit: 1/day}]}\n';
const ask = (id: number | string, name = 'few') => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });

async function open(version = '2025-06-18', carried?: Parameters<typeof openRig>[0]): Promise<Rig> {
  const rig = await openRig({ policy: POLICY, ...carried });
  await handshake(rig, version);
  rig.agent.length = 0;
  return rig;
}

const results = (rig: Rig) => rig.outcomes().map(({ result }) => result);

describe('members that are null count as absent', () => {
  test.each([
    ['an error beside a result', { result: OK, error: null }, 'committed'],
    ['a result beside an error', { result: null, error: { code: -32602, message: 'no such customer' } }, 'released'],
    ['a method beside a result', { method: null, params: null, result: OK }, 'committed'],
    ['all of them', { method: null, params: null, result: OK, error: null }, 'committed'],
    ['a result of null alone', { result: null }, 'committed'],
    ['both are null', { result: null, error: null }, 'committed'],
  ])('%s', async (_, members, outcome) => {
    const rig = await open();
    await rig.send(ask(1));
    const answer = { jsonrpc: '2.0', id: 1, ...members };
    await rig.say(answer);
    expect(rig.agent).toEqual([answer as Message]);
    expect(results(rig)).toEqual([outcome as 'committed']);
    // What failed gave back what it drew.
    await rig.send(ask(2));
    expect(rig.executed()).toHaveLength(outcome === 'released' ? 2 : 1);
  });

  test("in the server's own requests and notifications", async () => {
    const rig = await open();
    const said = [
      { jsonrpc: '2.0', id: null, method: 'notifications/message', params: { level: 'info' }, result: null, error: null },
      { jsonrpc: '2.0', id: 7, method: 'ping', params: null, result: null, error: null },
    ];
    await rig.say(...said);
    expect(rig.agent).toEqual(said as unknown as Message[]);
  });

  test('INVARIANT I7: but not the id of what a client might answer', async () => {
    const rig = await open();
    await rig.say({ jsonrpc: '2.0', id: null, method: 'sampling/createMessage', params: {} });
    expect(rig.agent).toEqual([]);
  });

  test('INVARIANT I9: a message too large to be read ends its request, whatever it says of a method', async () => {
    const rig = await open();
    await rig.send(ask(1));
    const sender = { id: { key: 'n:1', text: '1' }, isRequest: false };
    rig.session.fromServer([{ kind: 'too_long', length: 1, sender }]);
    await rig.idle();
    expect(rig.answersTo(1)).toHaveLength(1);
  });

  test('nothing of it for agents', async () => {
    const rig = await open();
    await rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'few' }, result: null });
    expect(rig.executed()).toEqual([]);
  });
});

describe('an id as its other type', () => {
  test.each([
    [1, '"1"'],
    [1, '1.0'],
    [1, '"1.0"'],
    [0, '"0"'],
    [-5, '"-5"'],
    ['1', '1'],
    ['1', '1.0'],
    ['12345', '12345'],
  ])('%p comes back as %s', async (id, text) => {
    const rig = await open();
    await rig.send(ask(id));
    await rig.say(`{"jsonrpc":"2.0","id":${text},"result":{"content":[],"n":1.50}}`);
    expect(rig.agent).toEqual([{ jsonrpc: '2.0', id, result: { content: [], n: 1.5 } }]);
    expect(results(rig)).toEqual(['committed']);
  });

  test.each([
    [1, '"01"'],
    [1, '" 1"'],
    [1, '"1e0"'],
    [1, '"0x1"'],
    ['01', '1'],
    [1, '"2"'],
  ])('%p is not %s: dropped, and the request still has its one answer', async (id, text) => {
    const rig = await open();
    await rig.send(ask(id));
    await rig.say(`{"jsonrpc":"2.0","id":${text},"result":{}}`);
    expect(rig.agent).toEqual([]);
    expect(rig.logged.join('\n')).toContain('dropped an answer to no request');
    await rig.session.end('over');
    expect(rig.answersTo(id)).toHaveLength(1);
  });

  test.each([false, true])(
    'is that of the request that has it, where one does, also once nobody waits for it (HTTP: %p)',
    async (replaceIds) => {
      const rig = await open('2025-06-18', { policy: 'version: "1"\n', carried: replaceIds ? { replaceIds, resumable: true } : {} });
      await rig.send(ask(1, 'a'), ask('1', 'b'));
      await rig.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: '1' } });
      await rig.say({ jsonrpc: '2.0', id: '1', result: { late: true } });
      expect(rig.answersTo(1)).toEqual([]);
      await rig.say({ jsonrpc: '2.0', id: 1, result: OK });
      expect(rig.answersTo(1)).toHaveLength(1);
    },
  );

  test('a call that is still being judged has no answer, whatever the type of its id', async () => {
    const rig = await open('2025-06-18', { policy: POLICY.replace('rate_limit: 1/day', 'action: require_approval'), approvalWait: 60_000 });
    rig.session.fromAgent(lines([ask(1)]));
    await rig.session.agentTaken();
    rig.session.fromServer(lines([{ jsonrpc: '2.0', id: '1', result: OK }]));
    await rig.session.serverIdle();
    expect(rig.answersTo(1)).toEqual([]);
    await rig.session.end('over');
    expect(rig.answersTo(1)).toHaveLength(1);
  });
});

describe('an array of answers to requests that were no batch', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('%s: is judged and written one by one', async (version) => {
    const rig = await open(version, { policy: 'version: "1"\n' });
    await rig.send(ask(1, 'a'), ask(2, 'b'));
    const note = { jsonrpc: '2.0', method: 'notifications/message', params: {} };
    const answers = [2, 1].map((id) => ({ jsonrpc: '2.0', id, result: OK }));
    await rig.say(JSON.stringify([note, ...answers]));
    expect(rig.agent).toEqual([note, ...answers]);
    expect(results(rig)).toEqual(['committed', 'committed']);
  });

  test('INVARIANT I9: a fault over one element costs the others nothing', async () => {
    let isBroken = false;
    const rig = await open('2025-06-18', {
      policy: 'version: "1"\n',
      wrapAudit: (sink) => ({
        ...sink,
        write(events) {
          if (isBroken && events.some(({ type }) => type === 'request')) throw null;
          sink.write(events);
        },
      }),
    });
    await rig.send(ask(1, 'a'), ask(2, 'b'));
    isBroken = true;
    const answers = [1, 2].map((id) => ({ jsonrpc: '2.0', id, result: OK }));
    const [first, second] = answers;
    await rig.say(JSON.stringify([first, { jsonrpc: '2.0', id: 3, method: 'elicitation/create', params: {} }, second]));
    expect(rig.answersTo(1)).toHaveLength(1);
    expect(rig.answersTo(2)).toHaveLength(1);
  });
});
