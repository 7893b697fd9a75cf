/** Batches and ids (wire.md §2.1, §2.7). */
import { describe, expect, test } from 'bun:test';
import { handshake, type Message, OK, openRig, verdict } from './fixture.ts';

const POLICY =
  'version: "1"\nmethods: {resources/read: deny}\ntools:\n  no: {rules: [{action: deny}]}\n  few: {rules: [{rate_limit: 2/hour}]}\n';
const call = (id: number | string | undefined, name: string) => ({
  jsonrpc: '2.0',
  ...(id !== undefined && { id }),
  method: 'tools/call',
  params: { name },
});
const open = async (version = '2025-03-26') => {
  const rig = await openRig({ policy: POLICY });
  await handshake(rig, version);
  rig.agent.length = 0;
  rig.server.length = 0;
  return rig;
};
const reply = (id: number | string) => ({ jsonrpc: '2.0', id, result: OK });

describe('wire.md §2.1: a batch of 2025-03-26', () => {
  test('is judged element by element and answered in one array, whatever became of each', async () => {
    const rig = await open();
    const elements = [
      call(1, 'yes'),
      call(2, 'no'),
      { jsonrpc: '2.0', id: 3, method: 'ping' },
      { jsonrpc: '2.0', id: 4, method: 'resources/read', params: { uri: 'a' } },
      call(undefined, 'yes'),
      { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
      { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 7 } },
      { jsonrpc: '2.0', id: 1.5, method: 'ping' },
      call(3, 'yes'),
    ];
    await rig.send(JSON.stringify(elements));
    expect(rig.agent).toEqual([]);
    expect(rig.server.map(({ method, id }) => [method, id])).toEqual([
      ['tools/call', 1],
      ['ping', 3],
      ['tools/call', undefined],
      ['notifications/roots/list_changed', undefined],
    ]);
    await rig.say(reply(3));
    expect(rig.agent).toEqual([]);
    await rig.say(reply(1));
    expect(rig.agent.length).toBe(1);
    const answers = rig.agent[0] as Message[];
    expect(answers.map((answer) => `${answer.id}: ${verdict(answer)}`).sort()).toEqual([
      '1: server',
      '2: denied rule',
      '3: error -32600',
      '3: server',
      '4: error -32010',
      '5: error -32602',
      'null: error -32600',
    ]);
  });

  test('elements share a limit in their order', async () => {
    const rig = await open();
    await rig.send(JSON.stringify([call(1, 'few'), call(2, 'few'), call(3, 'few')]));
    await rig.say(reply(1), reply(2));
    expect((rig.agent[0] as Message[]).map((answer) => `${answer.id}: ${verdict(answer)}`)).toEqual([
      '3: denied rate_limit',
      '1: server',
      '2: server',
    ]);
  });

  test('of notifications alone has no answer', async () => {
    const rig = await open();
    await rig.send(JSON.stringify([call(undefined, 'yes'), call(undefined, 'no')]));
    await rig.session.end('over');
    expect([rig.agent, rig.executed()]).toEqual([[], ['yes']]);
  });

  test('of which all are cancelled has no answer', async () => {
    const rig = await open();
    await rig.send(JSON.stringify([call(1, 'yes'), call(2, 'yes')]));
    for (const requestId of [1, 2]) await rig.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
    await rig.session.end('over');
    expect(rig.agent).toEqual([]);
  });

  test('I9: is answered whole when the server dies', async () => {
    const rig = await open();
    await rig.send(JSON.stringify([call(1, 'yes'), call(2, 'no'), call(3, 'yes')]));
    await rig.session.end('the server ended');
    expect((rig.agent[0] as Message[]).map((answer) => `${answer.id}: ${verdict(answer)}`)).toEqual([
      '2: denied rule',
      '1: error -32000',
      '3: error -32000',
    ]);
  });

  test.each(['[]', '[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]'])('%s is refused', async (text) => {
    const rig = await open();
    await rig.send(text);
    expect(rig.server).toEqual([]);
    expect(rig.agent.flat().map(verdict)).toEqual(['error -32600']);
  });

  test('initialize is refused in it', async () => {
    const rig = await open();
    await rig.send(JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }]));
    expect([rig.server.length, verdict(rig.answersTo(1)[0])]).toEqual([0, 'error -32600']);
  });
});

test.each(['2024-11-05', '2025-06-18', '2025-11-25'])('wire.md §2.1: a batch of %s is refused whole', async (version) => {
  const rig = await open(version);
  await rig.send(JSON.stringify([call(1, 'yes'), call(2, 'yes')]));
  expect(rig.server).toEqual([]);
  expect(rig.agent.flat()).toMatchObject([{ id: null, error: { code: -32600 } }]);
});

describe('wire.md §2.7: ids', () => {
  test('1 and "1" are two requests, and 0 is one', async () => {
    const rig = await openRig();
    await rig.send(call(1, 'a'), call('1', 'b'), call(0, 'c'));
    await rig.say(reply('1'), reply(0), reply(1));
    expect(rig.agent.flat().map(({ id }) => id)).toEqual(['1', 0, 1]);
  });

  test('an id in flight is refused, also once it is cancelled; afterwards it is free', async () => {
    const rig = await openRig();
    await rig.send(call(1, 'a'));
    await rig.send(call(1, 'b'));
    await rig.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    await rig.send(call(1, 'c'));
    expect(rig.answersTo(1).map(verdict)).toEqual(['error -32600', 'error -32600']);
    await rig.say(reply(1));
    await rig.send(call(1, 'd'));
    expect(rig.executed()).toEqual(['a', 'd']);
  });

  test('an answer to nothing, and a second answer, reach nobody and settle nothing', async () => {
    const rig = await openRig({ policy: POLICY });
    await rig.send(call(1, 'few'));
    await rig.say(reply(9), reply(1), { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'again' } });
    expect(rig.agent.flat().map(({ id }) => id)).toEqual([1]);
    expect(rig.outcomes().map(({ result }) => result)).toEqual(['committed']);
  });

  test('the id of a denied call is free at once', async () => {
    const rig = await openRig({ policy: POLICY });
    await rig.send(call(1, 'no'));
    await rig.send(call(1, 'yes'));
    expect(rig.executed()).toEqual(['yes']);
  });
});
