/** Idempotent calls through a session (policy.md §9, wire.md §2.5, §2.12). INVARIANT I6: sent at most once, unless it definitely failed. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { until } from '../harness/wait.ts';
import {
  DECISION,
  handshake,
  lines,
  META,
  type Message,
  OK,
  type Options,
  openRig,
  type Rig,
  START,
  verdict,
  withinTurn,
} from './fixture.ts';

// A machine that has much else to do may take its time.
setDefaultTimeout(60_000);

const POLICY = 'version: "1"\ntools:\n  pay:\n    idempotency_window: 5m\n    rules: [{name: cap, rate_limit: {max: 3, window: hour}}]\n';
const open = (more: Options = {}) => openRig({ policy: POLICY, ...more });
const request = (id: number | string, args: object = {}, more: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'pay', arguments: args, ...more },
});
/** Sends without waiting for what is kept open. */
const begin = (rig: Rig, ...messages: readonly object[]) => rig.session.fromAgent(lines(messages));
const sent = (rig: Rig, count: number) => until(`${count} sent calls`, () => (rig.executed().length >= count ? true : undefined));
const answered = (rig: Rig, id: number | string) => until(`the answer to ${id}`, () => rig.answersTo(id)[0]);
const reply = (rig: Rig, answer: object, at = rig.server.length - 1) =>
  rig.session.fromServer(lines([{ jsonrpc: '2.0', id: rig.server[at]?.id, ...answer }]));
const results = (rig: Rig) => rig.calls().map(({ result, code }) => (code ? `${result} ${code}` : result));

test('the ends of calls whose answers come together reach the store together, and the agent in their order', async () => {
  const store = openMemoryStore({ clock: () => START, namespace: 'test' });
  let begun = 0;
  const together = Promise.withResolvers<void>();
  const rig = await open({
    store: {
      ...store,
      // No end is written before all of them were told: one that waited for another's would wait for ever.
      async settle(settlements) {
        if (++begun === 3) together.resolve();
        await together.promise;
        return store.settle(settlements);
      },
    },
  });
  begin(rig, request(1, { n: 1 }), request(2, { n: 2 }), request(3, { n: 3 }));
  await sent(rig, 3);
  const reversed = rig.server.map(({ id }) => ({ jsonrpc: '2.0', id, result: OK })).reverse();
  const log = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'last' } };
  rig.session.fromServer(lines([...reversed, log]));
  await rig.idle();
  expect(rig.agent.map((message) => ('id' in message ? message.id : 'log'))).toEqual([3, 2, 1, 'log']);
});

describe('I6: one winner, and the others share its result', () => {
  test('calls that arrive together, and later ones, are one call upstream, one count', async () => {
    const rig = await open();
    begin(rig, request(1, { n: 1 }), request(2, { n: 1.0 }), request(3, { n: 1 }));
    await sent(rig, 1);
    begin(rig, request(4, { n: 1 }));
    reply(rig, { result: OK });
    const all = await Promise.all([1, 2, 3, 4].map((id) => answered(rig, id)));
    expect(all.map(verdict)).toEqual(['server', 'replayed already_done', 'replayed already_done', 'replayed already_done']);
    expect(all.map(({ result }) => result.content)).toEqual([OK.content, OK.content, OK.content, OK.content]);
    expect(rig.executed()).toEqual(['pay']);
    expect(await rig.counted()).toEqual([1]);
    expect(results(rig)).toEqual(['allowed', 'replayed', 'replayed', 'replayed']);
  });

  test('the winner fails: another one takes its place, and no failure is remembered', async () => {
    const rig = await open();
    begin(rig, request(1), request(2));
    await sent(rig, 1);
    reply(rig, { error: { code: 1, message: 'no' } }, 0);
    await sent(rig, 2);
    reply(rig, { result: { ...OK, isError: true } }, 1);
    await rig.idle();
    expect([1, 2].map((id) => verdict(rig.answersTo(id)[0]))).toEqual(['error 1', 'server']);
    begin(rig, request(3));
    await sent(rig, 3);
    expect(await rig.counted()).toEqual([1]);
  });

  test('the winner ends without anybody knowing how: the others are denied, not sent', async () => {
    const rig = await open();
    begin(rig, request(1), request(2));
    await sent(rig, 1);
    begin(rig, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(verdict(await answered(rig, 2))).toBe('denied outcome_unknown');
    expect(rig.executed()).toEqual(['pay']);
    rig.advance(5 * 60_000);
    begin(rig, request(3));
    await sent(rig, 2);
  });

  test('60 s at most, and then it is denied', async () => {
    const rig = await open();
    begin(rig, request(1), request(2));
    await sent(rig, 1);
    rig.advance(60_000);
    expect(verdict(await answered(rig, 2))).toBe('denied outcome_unknown');
    expect(rig.executed()).toEqual(['pay']);
  });

  test('two sessions on one store, as two processes: the other shares the result', async () => {
    const store = openMemoryStore({ clock: () => START, namespace: 'test' });
    const [one, two] = [await open({ store, idPrefix: 'a' }), await open({ store, idPrefix: 'b' })];
    begin(one, request(1));
    await sent(one, 1);
    begin(two, request(1));
    reply(one, { result: OK });
    expect(verdict(await answered(two, 1))).toBe('replayed already_done');
    expect(two.executed()).toEqual([]);
  });

  test('policy.md §12: two agents share nothing', async () => {
    const store = openMemoryStore({ clock: () => START, namespace: 'test' });
    const respond = ({ method }: Message) => ({ result: method === 'tools/call' ? OK : {} });
    for (const agent of ['a', 'b', undefined]) {
      const rig = await open({ store, respond, ...(agent && { agent }) });
      expect(verdict(await rig.call('pay', { n: 1 }))).toBe('server');
      expect(rig.executed()).toEqual(['pay']);
    }
  });
});

describe('policy.md §9: what is replayed', () => {
  const replayOf = async (result: string) => {
    const rig = await open();
    begin(rig, request(1));
    await sent(rig, 1);
    rig.session.fromServer(lines([`{"jsonrpc":"2.0","id":1,"result":${result}}`]));
    await rig.idle();
    begin(rig, request('two'));
    return { rig, replayed: await answered(rig, 'two') };
  };
  const mark = { outcome: 'replayed', rule: '(idempotency)', code: 'already_done', retryable: false };

  test('the text as it came, with the mark', async () => {
    const texts: string[] = [];
    const rig = await open({
      wrapOutput: (output) => ({
        ...output,
        toAgent(frames, exchange) {
          texts.push(...frames.map((frame) => (typeof frame === 'string' ? frame : new TextDecoder().decode(frame))));
          output.toAgent(frames, exchange);
        },
      }),
    });
    begin(rig, request(1));
    await sent(rig, 1);
    const result = '{ "content" : [], "big": 9007199254740993, "odd":"\\u00e9", "__proto__": {"a":1e400},"_meta":{"x":1.0}}';
    rig.session.fromServer(lines([`{"jsonrpc":"2.0","id":1,"result":${result}}`]));
    await rig.idle();
    await rig.send(request('two'));
    const marked = result.replace('"x":1.0', `"x":1.0,"${DECISION}":${JSON.stringify(mark)}`);
    expect(texts.at(-1)).toBe(`{"jsonrpc":"2.0","id":"two","result":${marked}}`);
  });

  test.each([
    ['{}', { _meta: { [DECISION]: mark } }],
    ['{"_meta":{}}', { _meta: { [DECISION]: mark } }],
    ['{"_meta":7}', { _meta: { [DECISION]: mark } }],
    [`{"_meta":{"${DECISION}":{"outcome":"denied"}}}`, { _meta: { [DECISION]: mark } }],
    [`{"_meta":{"Policylayer.com/decision":1,"a":1}}`, { _meta: { a: 1, [DECISION]: mark } }],
  ])('%s', async (result, expected) => {
    expect((await replayOf(result)).replayed.result).toEqual(expected);
  });

  test('over several lines it stays one frame', async () => {
    const { replayed } = await replayOf('{"content":[],"a":1}'.replaceAll(',', ',\r\n'));
    expect(replayed.result).toMatchObject({ content: [], a: 1 });
  });

  test('a modern client gets a resultType with it', async () => {
    const { rig } = await replayOf('{"content":[]}');
    begin(rig, request('m', {}, { _meta: META }));
    expect((await answered(rig, 'm')).result.resultType).toBe('complete');
  });

  test('more than 1 MiB is not kept: the repeat is told that it happened', async () => {
    const { rig, replayed } = await replayOf(JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(1_048_577) }] }));
    expect(verdict(replayed)).toBe('denied already_done');
    expect(rig.executed()).toEqual(['pay']);
  });

  test('after the window it is sent again', async () => {
    const { rig } = await replayOf('{}');
    rig.advance(5 * 60_000);
    begin(rig, request(3));
    await sent(rig, 2);
  });
});

describe('policy.md §5: what comes before', () => {
  const respond = ({ method }: Message) => ({ result: method === 'tools/call' ? OK : {} });

  test('a policy that was tightened denies the repeat', async () => {
    const rig = await open({ respond });
    await rig.call('pay');
    await rig.reload(
      `${POLICY}      - {name: closed, action: deny}\n`.replace('rules: [{name: cap, rate_limit: {max: 3, window: hour}}]', 'rules:'),
    );
    expect(verdict(await rig.call('pay'))).toBe('denied rule');
  });

  test('a pause denies the repeat', async () => {
    const rig = await open({ respond });
    await rig.call('pay');
    rig.pause = { policy: undefined, reason: '', since: 0 };
    expect(verdict(await rig.call('pay'))).toBe('denied paused');
  });

  test('a repeat beyond the limit is replayed all the same: it draws nothing', async () => {
    const rig = await open({ respond, policy: POLICY.replace('max: 3', 'max: 1') });
    await rig.call('pay');
    expect(verdict(await rig.call('pay'))).toBe('replayed already_done');
    expect(verdict(await rig.call('pay', { other: 1 }))).toBe('denied rate_limit');
  });

  test('§10: shadow mode neither claims nor replays, nor does a rule in shadow mode', async () => {
    const shadow = await open({ respond, policy: `${POLICY}mode: shadow\n` });
    await shadow.call('pay');
    expect(verdict(await shadow.call('pay'))).toBe('server');
    const rule = 'version: "1"\ntools:\n  pay:\n    rules: [{name: r, mode: shadow, idempotency_window: 5m, rate_limit: 9/hour}]\n';
    const other = await open({ respond, policy: rule });
    await other.call('pay');
    expect(verdict(await other.call('pay'))).toBe('server');
  });

  test('§1.2: a store that fails denies, also with --state-fail-mode open', async () => {
    const rig = await open({ respond, failMode: 'open' });
    await rig.store.close();
    expect(verdict(await rig.call('pay'))).toBe('denied state_error');
  });
});

describe('what a claim is held through', () => {
  test('wire.md §2.12: the legs of one call; its last result is the one that is kept', async () => {
    const rig = await open();
    begin(rig, request(1, {}, { _meta: META }));
    await sent(rig, 1);
    reply(rig, { result: { resultType: 'input_required', requestState: 's' } });
    await rig.idle();
    begin(rig, request(2, {}, { _meta: META }));
    begin(rig, request(3, {}, { _meta: META, requestState: 's' }));
    await sent(rig, 2);
    reply(rig, { result: { ...OK, resultType: 'complete' } });
    expect(verdict(await answered(rig, 3))).toBe('server');
    expect(verdict(await answered(rig, 2))).toBe('replayed already_done');
    expect(await rig.counted()).toEqual([1]);
  });

  test('wire.md §2.11: a task, until its end; a modern one brings its result along', async () => {
    const rig = await open();
    begin(rig, request(1, {}, { _meta: META }));
    await sent(rig, 1);
    reply(rig, { result: { resultType: 'task', taskId: 't1', status: 'working' } });
    await rig.idle();
    begin(rig, request(2, {}, { _meta: META }));
    await rig.say({
      jsonrpc: '2.0',
      method: 'notifications/tasks',
      params: { taskId: 't1', status: 'completed', result: { content: [{ type: 'text', text: 'late' }] } },
    });
    const replayed = await answered(rig, 2);
    expect(verdict(replayed)).toBe('replayed already_done');
    expect(replayed.result.content[0].text).toBe('late');
  });

  describe('wire.md §2.11: a task whose result is fetched by itself', () => {
    const completed = { jsonrpc: '2.0', method: 'notifications/tasks/status', params: { taskId: 't1', status: 'completed' } };
    const opened = async () => {
      const rig = await open();
      await handshake(rig, '2025-11-25');
      begin(rig, request(1, {}, { task: {} }));
      await sent(rig, 1);
      reply(rig, { result: { task: { taskId: 't1', status: 'working' } } });
      await rig.idle();
      return rig;
    };
    const fetched = async (rig: Rig, result: object) => {
      begin(rig, { jsonrpc: '2.0', id: 'fetch', method: 'tasks/result', params: { taskId: 't1' } });
      await until('the question', () => rig.server.find(({ id }) => id === 'fetch'));
      await rig.say({ jsonrpc: '2.0', id: 'fetch', result });
    };
    const text = (said: string) => ({ content: [{ type: 'text', text: said }] });

    test.each([true, false])('its repeat gets the result, told before that it succeeded: %p', async (told) => {
      const rig = await opened();
      if (told) await rig.say(completed);
      begin(rig, request(2));
      await fetched(rig, text('late'));
      const replayed = await answered(rig, 2);
      expect(verdict(replayed)).toBe('replayed already_done');
      expect(replayed.result.content[0].text).toBe('late');
      expect(rig.outcomes().map(({ result }) => result)).toEqual(['committed']);
    });
    test.each(['a minute', 'the session'])(
      'where nobody fetches it until %s is over, it has happened and is not done again',
      async (end) => {
        const rig = await opened();
        await rig.say(completed);
        if (end === 'the session') {
          await rig.session.end('over');
          expect(rig.outcomes().map(({ result }) => result)).toEqual(['committed']);
          return;
        }
        rig.advance(59_999);
        await rig.session.sweep();
        expect(rig.outcomes()).toEqual([]);
        rig.advance(1);
        await rig.session.sweep();
        expect(verdict(await rig.call('pay'))).toBe('denied already_done');
      },
    );
    test.each([
      ['fails', { jsonrpc: '2.0', method: 'notifications/tasks/status', params: { taskId: 't1', status: 'failed' } }],
      ['is cancelled', { jsonrpc: '2.0', method: 'notifications/tasks/status', params: { taskId: 't1', status: 'cancelled' } }],
    ])('I6: one that succeeded, and then %s, has happened', async (_, status) => {
      const rig = await opened();
      await rig.say(completed);
      await rig.say(status);
      await fetched(rig, { ...text('no'), isError: true });
      expect(rig.outcomes()).toEqual([]);
      expect(await rig.counted()).toEqual([1]);
      rig.advance(60_000);
      await rig.session.sweep();
      expect(verdict(await rig.call('pay'))).toBe('denied already_done');
    });
  });
});

describe('wire.md §2.5: a call without an id', () => {
  const { id: _, ...notification } = request(0);

  test('is sent once, and its repeats are dropped', async () => {
    const rig = await open();
    await rig.send(notification);
    await rig.send(notification);
    expect(rig.executed()).toEqual(['pay']);
    expect(verdict(await rig.call('pay'))).toBe('denied outcome_unknown');
    expect(results(rig)).toEqual(['allowed', 'denied outcome_unknown', 'denied outcome_unknown']);
  });

  test('is not sent where the same call was answered', async () => {
    const rig = await open({ respond: () => ({ result: OK }) });
    await rig.call('pay');
    await rig.send(notification);
    expect(rig.executed()).toEqual(['pay']);
    expect(results(rig)).toEqual(['allowed', 'replayed']);
  });
});

describe('I9: whatever ends while a call waits', () => {
  const waiting = async (more: Options = {}) => {
    const rig = await open(more);
    begin(rig, request(1), request(2));
    await sent(rig, 1);
    return rig;
  };

  test('the agent goes: nothing more is sent for it, and the record says so', async () => {
    const rig = await waiting();
    rig.session.agentGone();
    await rig.session.agentIdle();
    expect(verdict(rig.answersTo(2)[0])).toBe('denied outcome_unknown');
    reply(rig, { error: { code: 1, message: 'no' } });
    await rig.idle();
    expect(rig.executed()).toEqual(['pay']);
    expect(results(rig)).toEqual(['allowed', 'denied outcome_unknown']);
  });

  test('it is cancelled: nobody is answered, nothing is sent', async () => {
    const rig = await waiting();
    begin(rig, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } });
    await until('it is forgotten', () => (rig.calls().length === 2 ? true : undefined));
    reply(rig, { error: { code: 1, message: 'no' } });
    await rig.idle();
    expect(rig.answersTo(2)).toEqual([]);
    expect(rig.executed()).toEqual(['pay']);
  });

  test('the session ends: each request has one answer', async () => {
    const rig = await waiting();
    await rig.session.end('over');
    expect([1, 2].map((id) => rig.answersTo(id).map(verdict))).toEqual([['error -32000'], ['error -32000']]);
    const again = await open({ store: rig.store });
    expect(verdict(await again.call('pay'))).toBe('denied outcome_unknown');
  });

  test('the policy is tightened: the one that waits is judged by it', async () => {
    const rig = await waiting();
    await rig.reload('version: "1"\ntools:\n  pay: {rules: [{action: deny}]}\n');
    reply(rig, { result: OK });
    expect(verdict(await answered(rig, 2))).toBe('denied rule');
  });
});

test('a result that cannot be recorded is delivered, and its repeat is never sent', async () => {
  const rig = await open();
  begin(rig, request(1));
  await sent(rig, 1);
  const { settle } = rig.store;
  (rig.store as { settle: unknown }).settle = () => Promise.reject(new Error('disk full'));
  reply(rig, { result: OK });
  expect(verdict(await answered(rig, 1))).toBe('server');
  expect(rig.outcomes()).toMatchObject([{ result: 'committed', error: 'disk full' }]);
  (rig.store as { settle: unknown }).settle = settle;
  rig.advance(10_001);
  expect(verdict(await rig.call('pay'))).toBe('denied outcome_unknown');
});

test('I3: a replay that cannot be recorded is not given', async () => {
  let broken = false;
  const rig = await open({
    respond: ({ method }) => ({ result: method === 'tools/call' ? OK : {} }),
    wrapAudit: (sink) => ({
      ...sink,
      write(events) {
        if (broken) throw new Error('disk full');
        sink.write(events);
      },
    }),
  });
  await rig.call('pay');
  broken = true;
  expect(verdict(await rig.call('pay'))).toBe('denied audit_error');
  broken = false;
  expect(verdict(await rig.call('pay'))).toBe('replayed already_done');
});

describe('who does not use it pays nothing', () => {
  const counting = async (policy: string) => {
    const asked: string[] = [];
    const store = openMemoryStore({ clock: () => START, namespace: 'test' });
    const { reserve, settle, renew } = store;
    Object.assign(store, {
      reserve(...args: Parameters<typeof reserve>) {
        asked.push('reserve');
        return reserve(...args);
      },
      settle(...args: Parameters<typeof settle>) {
        asked.push('settle');
        return settle(...args);
      },
      renew(...args: Parameters<typeof renew>) {
        asked.push('renew');
        return renew(...args);
      },
    });
    const rig = await openRig({ store, policy, respond: ({ method }) => ({ result: method === 'tools/call' ? OK : {} }) });
    return { rig, asked };
  };

  test('a call that needs nothing is forwarded and answered within the turn it came in', async () => {
    const { rig, asked } = await counting('version: "1"\ntools:\n  pay: {rules: []}\n');
    begin(rig, request(1));
    await withinTurn();
    expect(verdict(rig.answersTo(1)[0])).toBe('server');
    expect(asked).toEqual([]);
  });

  test('a counted call asks the store once, and not again for its success', async () => {
    const { rig, asked } = await counting('version: "1"\ntools:\n  pay: {rules: [{rate_limit: 9/day}]}\n');
    await rig.call('pay');
    expect(asked).toEqual(['reserve']);
  });

  test('an idempotent call asks once more than it counts: for its end; a replay asks once', async () => {
    const { rig, asked } = await counting(POLICY);
    await rig.call('pay');
    expect(asked).toEqual(['reserve', 'settle']);
    await rig.call('pay');
    expect(asked).toEqual(['reserve', 'settle', 'reserve']);
  });
});
