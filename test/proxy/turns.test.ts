import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { createPump, inTurns } from '../../src/proxy/turns.ts';
import { expectShortTurns } from '../harness/cost.ts';
import { SHAPES } from '../harness/large-frames.ts';
import { agreeable, lines, type Message, openRig, type Rig, withinTurn } from './fixture.ts';

setDefaultTimeout(60_000);

const POLICY = 'version: "1"\ndefault: allow\n';
/** Characters of arguments that leave room for the rest of the largest message. */
const MOST = 10 * 1024 * 1024 - 1024;
const LARGE = 'x'.repeat(2 * 1024 * 1024);
/** Eight megabytes of escapes take a dozen turns and more. */
const SLOW = '\n'.repeat(4 * 1024 * 1024);

function call(id: number, text: string): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 't', arguments: { text } } };
}

function idsOf(messages: readonly (Message | Message[])[]): unknown[] {
  return messages.map((message) => (Array.isArray(message) ? 'batch' : message.id));
}

describe('a large frame', () => {
  test('is read in slices between which another session is served, and frames of its own session wait', async () => {
    const [slow, quick] = [await openRig({ policy: POLICY }), await openRig({ policy: POLICY })];
    const sending = slow.send(call(1, SLOW), call(2, 'small'));
    expect(slow.executed()).toEqual([]);
    await quick.send(call(1, 'small'));
    expect(quick.executed()).toEqual(['t']);
    expect(slow.executed()).toEqual([]);
    await sending;
    expect(idsOf(slow.server)).toEqual([1, 2]);
  });

  test('of a server is, too', async () => {
    const rig = await openRig({ policy: POLICY, respond: () => undefined });
    const other = await openRig({ policy: POLICY });
    await rig.send(call(1, 'a'), call(2, 'b'));
    const saying = rig.say(
      { jsonrpc: '2.0', id: 2, result: { content: [], structuredContent: { SLOW } } },
      { jsonrpc: '2.0', id: 1, result: {} },
    );
    expect(rig.agent).toEqual([]);
    await other.send(call(1, 'small'));
    expect(rig.agent).toEqual([]);
    await saying;
    expect(idsOf(rig.agent)).toEqual([2, 1]);
  });

  test('keeps its place behind what came with it before', async () => {
    const rig = await openRig({ policy: POLICY });
    const sending = rig.send(call(1, 'small'), call(2, LARGE), call(3, 'small'), call(4, LARGE));
    await withinTurn();
    expect(idsOf(rig.server)).toEqual([1]);
    await sending;
    expect(idsOf(rig.server)).toEqual([1, 2, 3, 4]);
  });

  test('counts in the bounds while it is read, and no more when it was', async () => {
    const rig = await openRig({ policy: POLICY });
    const sending = rig.send(...Array.from({ length: 40 }, (_, id) => call(id, LARGE)));
    // The room is for 64 MiB: what finds none is refused at once.
    expect(rig.answersTo(39).map(({ error }) => error?.code)).toEqual([-32600]);
    await sending;
    expect(rig.session.backlog().agent).toBe(0);
    await rig.send(call(50, LARGE));
    expect(idsOf(rig.server)).toContain(50);
  });

  test.each([
    ['an argument', (own: string) => call(1, own), LARGE],
    ['a key', (own: string) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: { [own]: 1 } } }), LARGE],
    ['params of another method', (own: string) => ({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: own } }), LARGE],
    ['what stands beside params', (own: string) => ({ jsonrpc: '2.0', id: 1, method: 'ping', x: [own] }), LARGE],
  ])('is looked through for our own files, in %s', async (_name, make, more) => {
    for (const own of ['/home/u/.intercept/admin.token', 'file:///home/u/%2eintercept/admin.token', 'other']) {
      const text = JSON.stringify(make(own)).replaceAll('/', '\\u002f');
      // Beside the arguments of a call there is no room for so much.
      const isCall = text.includes('"arguments":{');
      const large = isCall ? text.replace('"arguments":{', `$&"more":"${more}",`) : `${text.slice(0, -1)},"more":"${more}"}`;
      const answers = [];
      for (const frame of [text, large]) {
        const rig = await openRig({ policy: POLICY, ownPaths: ['/home/u/.intercept'], respond: agreeable });
        await rig.send(frame);
        answers.push([rig.answersTo(1).map(({ result, error }) => [result?.isError, error?.code]), rig.server.length]);
      }
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[1]?.[1]).toBe(own === 'other' ? 1 : 0);
    }
  });

  test('is the same call as one that says the same in a small frame', async () => {
    const policy = 'version: "1"\ntools:\n  t: {idempotency_window: 5m, rules: [{name: cap, rate_limit: 9/hour}]}\n';
    const make = (id: number, args: string, space: string) =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"t","arguments":${space}${args}}}`;
    const space = ' '.repeat(300 * 1024);
    const rig = await openRig({ policy, respond: agreeable });
    await rig.send(make(1, '{"a":1,"b":"x"}', ''));
    await rig.send(make(2, '{"b":"\\u0078","a":1.0}', space));
    await rig.send(make(3, '{"b":"y","a":1.0}', space), make(4, '{"b":"x","a":1.5}', space));
    await rig.send(make(5, '{"a":10e-1,"b":"y"}', ''));
    expect(idsOf(rig.server)).toEqual([1, 3, 4]);
    expect(rig.calls().map(({ result }) => result)).toEqual(['allowed', 'replayed', 'allowed', 'allowed', 'replayed']);
  });

  test('is continued by one that says the same in a small frame', async () => {
    const asks = { result: { resultType: 'input_required', inputRequests: {}, requestState: 's' } };
    let asked = 0;
    const rig = await openRig({ policy: POLICY, respond: () => (asked++ === 0 ? asks : agreeable({ method: 'tools/call' })) });
    const make = (id: number, more: string) =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"t","arguments":{"a":1}${more}}}`;
    await rig.send(make(1, ' '.repeat(300 * 1024)));
    await rig.send(make(2, ',"requestState":"s"'));
    expect(rig.calls().length).toBe(2);
    expect(new Set(rig.calls().map(({ call }) => call)).size).toBe(1);
  });

  test.each(['long numbers', 'small strings', 'one string of two-byte characters'])(
    'that is claimed and counted keeps the loop for no long turn: %s',
    async (shape) => {
      const policy = 'version: "1"\ntools:\n  t: {idempotency_window: 5m, rules: [{name: cap, rate_limit: 99/hour}]}\n';
      const value = (SHAPES[shape] as (bytes: number) => string)(shape === 'small strings' ? 3_900_000 : MOST);
      const sent = lines([`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${value}}}`]);
      await expectShortTurns(async () => {
        const rig = await openRig({ policy });
        // The rig is no part of what is measured.
        rig.session.fromAgent(sent);
        await rig.idle();
        expect(rig.calls().map(({ result }) => result)).toEqual(['allowed']);
      });
    },
  );

  test('INVARIANT I9: whose session ends while it is read is answered, and goes nowhere', async () => {
    const rig = await openRig({ policy: POLICY });
    const sending = rig.send(call(1, LARGE), call(2, 'small'));
    await rig.session.end('the server ended');
    await sending;
    expect(rig.answersTo(1).length).toBe(1);
    expect(rig.answersTo(2).length).toBe(1);
    expect(rig.session.backlog()).toEqual({ agent: 0, server: 0 });
  });

  test.each(Object.entries(SHAPES))('of this shape gets one answer, and what passes passes as it was: %s', async (_name, make) => {
    const value = make(400_000);
    const rig = await openRig({ policy: POLICY, respond: agreeable });
    const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${value}}}`;
    await rig.send(text);
    expect(rig.answersTo(1).length).toBe(1);
    if (rig.server.length > 0) expect(rig.serverTexts[0]).toBe(text);
    const answering: Rig = await openRig({ policy: POLICY, respond: () => undefined });
    await answering.send(call(1, 'a'));
    await answering.say(`{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":${value}}}`);
    expect(answering.answersTo(1).map(({ result }) => result !== undefined)).toEqual([true]);
  });
});

describe('many small frames', () => {
  test('are dealt with in order, in lots between which others have a turn', async () => {
    const seen: number[] = [];
    let lots = 0;
    const pump = createPump<number>({
      work(items) {
        lots++;
        seen.push(...items);
        for (const end = performance.now() + 1; performance.now() < end; );
      },
      onFault: () => {},
      weigh: () => 1,
    });
    let turns = 0;
    const immediate = () => {
      turns++;
      if (pump.backlog > 0) setImmediate(immediate);
    };
    setImmediate(immediate);
    const all = Array.from({ length: 10_000 }, (_, index) => index);
    pump.push(all);
    pump.push([10_000]);
    await pump.idle();
    expect(seen).toEqual([...all, 10_000]);
    expect(lots).toBeGreaterThan(50);
    expect(turns).toBeGreaterThan(3);
    expect(pump.backlog).toBe(0);
  });

  test('give way also where each lot resolves in the same turn', async () => {
    let hasTurn = false;
    const pump = createPump<number>({
      async work() {
        for (const end = performance.now() + 1; performance.now() < end; );
      },
      onFault: () => {},
      weigh: () => 128,
    });
    pump.push(Array.from({ length: 100 }, (_, index) => index));
    setImmediate(() => {
      hasTurn = pump.backlog > 0;
    });
    await pump.idle();
    expect(hasTurn).toBe(true);
  });

  test('what one lot throws costs the others nothing', async () => {
    const faults: unknown[] = [];
    const done: number[] = [];
    const pump = createPump<number>({
      work(items) {
        if (items.includes(1)) throw new Error('no');
        done.push(...items);
      },
      onFault: (_error, items) => void faults.push(items),
      weigh: () => 128,
    });
    pump.push([0, 1, 2]);
    await pump.idle();
    expect([done, faults, pump.backlog]).toEqual([[0, 2], [[1]], 0]);
  });
});

test('work in slices has its value, and its fault', async () => {
  function* work(fault?: Error) {
    for (let step = 0; step < 10; step++) yield;
    if (fault) throw fault;
    return 7;
  }
  expect(await inTurns(work())).toBe(7);
  expect(inTurns(work(new Error('no')))).rejects.toThrow('no');
});
