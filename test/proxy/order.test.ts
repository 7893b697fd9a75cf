/** The order of what a server writes to one place (wire.md §2.7, §2.9): no frame overtakes another, however long one is read. */
import { describe, expect, test } from 'bun:test';
import type { Store } from '../../src/core/store.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { lines, META, OK, START } from './fixture.ts';
import { openPosts, type Posts } from './posts.ts';

const PLAIN = 'version: "1"\ndefault: allow\n';
/** What asks for a payment is looked for, in slices where it is large. */
const SPEND = 'version: "1"\ndefault: allow\ntools:\n  "*": {rules: [{spend: {from: args.n, per_call: 5}}]}\n';
const LONG = `payment ${'\n'.repeat(2 * 1024 * 1024)}`;
/** Read in two slices, and short enough to be dealt with together with others. */
const LONGISH = `payment ${'\n'.repeat(50_000)}`;

const call = (id: unknown, n: number) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 't', arguments: { n }, _meta: { ...META, progressToken: 7 } },
});
const progress = (progressToken: unknown, message: string) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken, progress: 1, message },
});
const answer = (id: unknown, text = 'done') => ({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });
const tokenOf = (posts: Posts, index: number) => posts.messages()[index]?.params._meta.progressToken;
const kinds = (posts: Posts, exchange: Parameters<Posts['on']>[0]) =>
  posts
    .on(exchange)
    .flat()
    .map(({ method, id }) => method ?? id);

describe('frames of one chunk', () => {
  test.each([
    ['a policy', PLAIN, 'small', 'small'],
    ['what is paid', SPEND, 'small', 'small'],
    ['long progress', SPEND, LONGISH, 'small'],
    ['a long answer', SPEND, 'small', LONGISH],
  ])('progress stays in front of the answer that came with it, on its POST: %s', async (_what, policy, said, given) => {
    const posts = await openPosts({}, { policy });
    const exchanges = [await posts.post(call(1, 1)), await posts.post(call(1, 2))];
    const ids = posts.messages().map(({ id }) => id);
    await posts.say(progress(tokenOf(posts, 1), said), answer(ids[1], given), progress(tokenOf(posts, 0), said), answer(ids[0], given));
    expect(exchanges.map((exchange) => kinds(posts, exchange))).toEqual([
      ['notifications/progress', 1],
      ['notifications/progress', 1],
    ]);
    expect(posts.loose).toEqual([]);
  });

  test.each([
    ['a log', 'notifications/message'],
    ['a request', 'roots/list'],
  ])('%s goes with the call that was under way when it came', async (_what, method) => {
    const posts = await openPosts({}, { policy: SPEND });
    const exchange = await posts.post(call(1, 1));
    const said = { jsonrpc: '2.0', method, params: { level: 'info', data: LONGISH }, ...(method === 'roots/list' && { id: 'r' }) };
    await posts.say(said, answer(1));
    expect(kinds(posts, exchange)).toEqual([method, 1]);
  });

  test('the end of a subscription that is read for long ends no later one', async () => {
    const posts = await openPosts({}, { policy: SPEND });
    const listen = (id: number) => ({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications: {}, _meta: META } });
    const exchange = await posts.post(listen(1));
    const saying = posts.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, reason: LONGISH } });
    const later = await posts.post(listen(2));
    await saying;
    expect([kinds(posts, exchange), posts.session.waitingOn(exchange)]).toEqual([['notifications/cancelled'], 0]);
    expect(posts.session.waitingOn(later)).toBe(1);
  });
});

/** A store whose settlements wait until they are let go. */
function heldStore() {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const store = openMemoryStore({ clock: () => START, namespace: 'test' });
  const settle: Store['settle'] = async (settlements) => {
    asked.resolve();
    await gate.promise;
    return store.settle(settlements);
  };
  return { store: { ...store, settle }, asked: asked.promise, release: gate.resolve };
}

const CLAIMED = 'version: "1"\ndefault: allow\ntools:\n  t: {idempotency_window: 5m, rules: [{rate_limit: 9/hour}]}\n';

describe('INVARIANT I9: an exchange waits for an answer until it is written', () => {
  test('while the answer is read', async () => {
    const posts = await openPosts({}, { policy: SPEND });
    const exchange = await posts.post(call(1, 1));
    posts.session.fromServer(lines([answer(1, LONG)]));
    const idle = posts.session.serverIdle();
    const seen = new Set<string>();
    while (posts.session.backlog().server > 0) {
      seen.add(`${posts.textsOn(exchange).length} written, ${posts.session.waitingOn(exchange)} waits`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await idle;
    expect([...seen]).toEqual(['0 written, 1 waits']);
    expect([posts.on(exchange).length, posts.session.waitingOn(exchange)]).toEqual([1, 0]);
  });

  test('while its call is settled', async () => {
    const { store, asked, release } = heldStore();
    const posts = await openPosts({}, { policy: CLAIMED, store });
    const exchange = await posts.post(call(1, 1));
    posts.session.fromServer(lines([answer(1)]));
    await asked;
    expect([posts.on(exchange).length, posts.session.waitingOn(exchange)]).toEqual([0, 1]);
    release();
    await posts.session.serverIdle();
    expect([posts.on(exchange).length, posts.session.waitingOn(exchange)]).toEqual([1, 0]);
  });

  test.each([
    ['in time', -32001, (posts: Posts) => posts.session.sweep()],
    ['before the session ends', -32000, (posts: Posts) => posts.session.end('over')],
  ])('where the server does not answer it %s', async (_when, code, end) => {
    const { store, asked, release } = heldStore();
    const posts = await openPosts({}, { policy: CLAIMED, store, timeouts: { upstream: 1_000 } });
    const exchange = await posts.post(call(1, 1));
    posts.rig.advance(2_000);
    const ended = end(posts);
    await asked;
    expect([posts.on(exchange).length, posts.session.waitingOn(exchange)]).toEqual([0, 1]);
    release();
    await ended;
    expect([posts.on(exchange).flat()[0]?.error?.code, posts.session.waitingOn(exchange)]).toEqual([code, 0]);
  });

  test('but for what is answered in its array, where others of it wait', async () => {
    const posts = await openPosts({}, { policy: PLAIN });
    await posts.post({
      jsonrpc: '2.0',
      id: 'i',
      method: 'initialize',
      params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: {} },
    });
    await posts.say({ jsonrpc: '2.0', id: 'i', result: { protocolVersion: '2025-03-26', capabilities: {}, serverInfo: {} } });
    const exchange = await posts.post(JSON.stringify([call(1, 1), call(2, 2)]));
    await posts.say(answer(1));
    expect(posts.session.waitingOn(exchange)).toBe(1);
    await posts.say({ jsonrpc: '2.0', id: 2, result: OK });
    expect([posts.on(exchange).flat().length, posts.session.waitingOn(exchange)]).toEqual([2, 0]);
  });
});
