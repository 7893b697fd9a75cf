/** Webhooks (policy.md §12) against real servers that take, refuse, redirect, close and hang. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { type FailedDelivery, type Notifier, openNotifier } from '../../src/approval/notifier.ts';
import { keyOf } from '../../src/approval/post.ts';
import type { HoldRequest } from '../../src/core/approval.ts';
import type { Records, Store } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import type { Loose } from '../harness/message.ts';
import { BUN, temporaryFolder } from '../harness/paths.ts';
import { beatingEvery } from '../harness/ticker.ts';
import { until } from '../harness/wait.ts';
import { approvalOf, EVIDENCE, held } from '../state/calls.ts';
import { openReceiver } from './receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: Store & Records;
let now: number;
let running: Notifier[];
let failures: FailedDelivery[];

beforeEach(async () => {
  folder = await temporaryFolder();
  now = Date.now();
  running = [];
  failures = [];
  store = await openSqliteStore({ path: join(folder.path, 'x.sqlite'), namespace: 'ns', clock: () => now, timeoutMs: 5_000 });
});
afterEach(async () => {
  await Promise.all(running.map((notifier) => notifier.stop()));
  await store.close();
  await folder.remove();
});

const hold = async (fingerprint = 'f', more: Partial<HoldRequest> = {}) =>
  approvalOf((await store.reserve([held(fingerprint, { notify: true, ...more })]))[0]).id;

function start(url: string, owner = 'one', more: { readonly secret?: string; readonly origin?: string } = {}): Notifier {
  const notifier = openNotifier({
    approvals: store.approvals,
    webhook: () => ({ url, key: keyOf(more.secret ?? SECRET) }),
    ...{ owner, namespace: 'ns', clock: () => now, chance: () => 0.5, origin: more.origin },
    renderArgs: (args) => ({ text: args.replaceAll('hunter2', '[redacted]'), masked: args.includes('hunter2') ? 1 : 0, cut: 0 }),
    onFailure: (failure) => void failures.push(failure),
    warn: () => undefined,
    every: beatingEvery(),
  });
  running.push(notifier);
  return notifier;
}

const untilFailed = (count: number) => until(`${count} failures`, () => (failures.length >= count ? failures : undefined), 30_000);

describe('policy.md §12: a notification', () => {
  test('is the record, signed so that another implementation verifies it, and has the links of the admin API', async () => {
    await using receiver = await openReceiver((response) => response.writeHead(204).end());
    const evidence = { ...EVIDENCE, meta: '{"account":"ceo"}' };
    const id = await hold('f', { args: '{"amount":9007199254740993}', evidence });
    start(`${receiver.url}/hook?key=1`, 'one', { origin: 'http://127.0.0.1:1' });
    const [first] = await receiver.untilReceived(1);
    if (!first) throw new Error('nothing came');
    const verified = new Webhook(SECRET).verify(first.body, first.headers) as Loose;
    expect([first.method, first.path, first.headers['content-type']]).toEqual(['POST', '/hook?key=1', 'application/json']);
    expect(verified).toMatchObject({
      type: 'approval.requested',
      data: { id, state: 'pending', tool: 'cancel_subscription', agent: 'anna' },
    });
    expect(first.body).toContain('"args":{"amount":9007199254740993}');
    expect(verified).not.toHaveProperty('hidden');
    expect(first.body).toContain('"meta":{"account":"ceo"}');
    expect(verified.urls).toEqual({
      page: `http://127.0.0.1:1/approvals/${id}`,
      approve: `http://127.0.0.1:1/v1/approvals/${id}/approve`,
      deny: `http://127.0.0.1:1/v1/approvals/${id}/deny`,
    });
    expect(new Date(verified.timestamp).getTime()).toBe(now);
  }, 120_000);

  test('I12: likewise where it is masked in what the client added in _meta', async () => {
    await using receiver = await openReceiver((response) => response.end());
    await hold('f', { args: '{}', evidence: { ...EVIDENCE, meta: '{"password":"hunter2"}' } });
    start(receiver.url, 'one', { origin: 'http://127.0.0.1:1' });
    const [first] = await receiver.untilReceived(1);
    const sent = JSON.parse(first?.body ?? '') as Loose;
    expect(sent).toMatchObject({ data: { meta: { password: '[redacted]' } }, hidden: { masked: 1, cut: 0 } });
    expect(Object.keys(sent.urls)).toEqual(['page']);
  }, 120_000);

  test('I12: one in which something is masked says so, and has no link that decides', async () => {
    await using receiver = await openReceiver((response) => response.end());
    const id = await hold('f', { args: '{"password":"hunter2"}' });
    start(receiver.url, 'one', { origin: 'http://127.0.0.1:1' });
    const [first] = await receiver.untilReceived(1);
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      data: { args: { password: '[redacted]' } },
      hidden: { masked: 1, cut: 0 },
    });
    expect(JSON.parse(first?.body ?? '').urls).toEqual({ page: `http://127.0.0.1:1/approvals/${id}` });
  }, 120_000);

  test('is signed with a plain secret too', async () => {
    await using receiver = await openReceiver((response) => response.end());
    await hold();
    start(receiver.url, 'one', { secret: 'a plain secret' });
    const [first] = await receiver.untilReceived(1);
    expect(() => new Webhook('a plain secret', { format: 'raw' }).verify(first?.body ?? '', first?.headers ?? {})).not.toThrow();
    expect(() => new Webhook('another', { format: 'raw' }).verify(first?.body ?? '', first?.headers ?? {})).toThrow();
  }, 120_000);

  test('is sent of each thing that becomes of a record, once, with an id of its own', async () => {
    await using receiver = await openReceiver((response) => response.end());
    const [first, second, third] = [await hold('f'), await hold('g'), await hold('h')];
    await store.approvals.decide({ id: first, verdict: 'approve', by: 'anna', reason: 'yes' });
    await store.approvals.decide({ id: second, verdict: 'deny', by: 'anna', reason: 'no' });
    await store.reserve([held('f', { notify: true })]);
    now += 900_000;
    await store.approvals.expire();
    // Not before: what is under way while the clock jumps over its minute is sent again.
    start(receiver.url);
    const events = await receiver.untilReceived(7);
    const told = events.map(({ body }) => JSON.parse(body)).map(({ type, data }) => `${type} ${[first, second, third].indexOf(data.id)}`);
    expect(told.sort()).toEqual(
      ['requested 0', 'requested 1', 'requested 2', 'approved 0', 'consumed 0', 'denied 1', 'expired 2']
        .map((word) => `approval.${word}`)
        .sort(),
    );
    expect(new Set(events.map(({ headers }) => headers['webhook-id'])).size).toBe(7);
  }, 120_000);
});

describe('policy.md §12: a notification that is not taken', () => {
  test('is tried again later, with the same id, until it is', async () => {
    let left = 2;
    await using receiver = await openReceiver((response) => response.writeHead(left-- > 0 ? 500 : 200).end());
    await hold();
    start(receiver.url);
    await untilFailed(1);
    expect(failures[0]).toMatchObject({ tries: 1, why: 'status 500', event: 'approval.requested', nextTryAt: now + 5_000 });
    now += 5_000;
    await untilFailed(2);
    expect(failures[1]).toMatchObject({ tries: 2, nextTryAt: now + 15_000 });
    now += 15_000;
    const events = await receiver.untilReceived(3);
    expect(new Set(events.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    await running[0]?.stop();
    now += 120_000;
    expect(await store.approvals.due('probe', 'ns', 10)).toEqual([]);
  }, 60_000);

  test('is given up after a day', async () => {
    await using receiver = await openReceiver((response) => response.writeHead(500).end());
    await hold('f', { timeout: 30 * 86_400_000 });
    now += 86_400_000;
    start(receiver.url);
    expect((await untilFailed(1))[0]).toMatchObject({ tries: 1, nextTryAt: undefined });
  }, 120_000);

  test('is kept for that day, also where nobody decided and the record itself is over', async () => {
    await using receiver = await openReceiver((response) => response.end());
    const id = await hold();
    now += 900_000;
    await store.approvals.expire();
    now += 23 * 3_600_000;
    // Calls are what removes old records.
    for (let i = 0; i < 3; i++, now += 2_000) await store.reserve([held(`other ${i}`)]);
    start(receiver.url);
    const told = await receiver.untilReceived(2);
    expect(told.map(({ body }) => JSON.parse(body)).map(({ type, data }) => [type, data.id])).toEqual([
      ['approval.requested', id],
      ['approval.expired', id],
    ]);
  }, 120_000);

  test('is given up where the server says that it is gone', async () => {
    await using receiver = await openReceiver((response) => response.writeHead(410).end());
    await hold();
    start(receiver.url);
    expect((await untilFailed(1))[0]).toMatchObject({ why: 'status 410', nextTryAt: undefined });
  }, 120_000);

  test('waits as long as the server asks', async () => {
    await using receiver = await openReceiver((response) => response.writeHead(503, { 'retry-after': '120' }).end());
    await hold();
    start(receiver.url);
    expect((await untilFailed(1))[0]).toMatchObject({ nextTryAt: now + 120_000 });
  }, 120_000);

  test('is not sent where a redirect points, and no failure tells what may be secret of the address', async () => {
    await using elsewhere = await openReceiver((response) => response.end());
    await using receiver = await openReceiver((response) => response.writeHead(307, { location: elsewhere.url }).end());
    await hold();
    start(`${receiver.url.replace('http://', 'http://user:hunter2@')}/services/T0K3N?key=s3cret`);
    const [failure] = await untilFailed(1);
    expect(failure).toMatchObject({ webhook: receiver.url, why: 'status 307, a redirect, which is not followed' });
    expect(JSON.stringify(failure)).not.toMatch(/hunter2|T0K3N|s3cret/);
    expect(elsewhere.received).toEqual([]);
    expect(receiver.received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:hunter2').toString('base64')}`);
  }, 120_000);

  test('says so where nobody listens, and where the connection is closed', async () => {
    await using receiver = await openReceiver((_, request) => request.socket.destroy());
    await hold('f');
    const notifier = start(receiver.url);
    await untilFailed(1);
    await notifier.stop();
    start('http://127.0.0.1:1/hook?key=s3cret');
    await hold('g');
    await untilFailed(2);
    for (const { why, nextTryAt } of failures) expect([why.startsWith('no connection'), nextTryAt]).toEqual([true, now + 5_000]);
  }, 60_000);

  test('is let go after ten seconds where the server hangs, and others do not wait for it', async () => {
    let hung = 0;
    await using receiver = await openReceiver((response) => void (hung++ === 0 || response.end()));
    await hold('f');
    start(receiver.url);
    await receiver.untilReceived(1);
    await hold('g');
    await receiver.untilReceived(2);
    expect(failures).toEqual([]);
    expect((await untilFailed(1))[0]).toMatchObject({ why: 'no answer within 10 seconds', tries: 1 });
  }, 60_000);

  test('its answer is not read: an endless one holds nothing up', async () => {
    await using receiver = await openReceiver((response) => {
      response.writeHead(200);
      const pour = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        if (!response.destroyed) response.once('drain', pour);
      };
      pour();
    });
    await hold('f');
    await hold('g');
    start(receiver.url);
    await receiver.untilReceived(2);
    await until('the outbox is empty', async () => (await store.approvals.due('probe', 'ns', 10)).length === 0 || undefined);
    expect(failures).toEqual([]);
  }, 60_000);
});

test('policy.md §12: what a killed process was about to deliver is delivered by the next, with the same id', async () => {
  let hung = 0;
  await using receiver = await openReceiver((response) => void (hung++ === 0 || response.end()));
  const child = spawn(BUN, [join(import.meta.dirname, 'children/notify.ts'), join(folder.path, 'x.sqlite'), receiver.url], {
    stdio: 'ignore',
  });
  const gone = new Promise((resolve) => child.on('exit', resolve));
  await hold();
  await receiver.untilReceived(1);
  child.kill('SIGKILL');
  await gone;
  start(receiver.url, 'two');
  // The dead one's lease stands.
  expect(await store.approvals.due('probe', 'ns', 1)).toEqual([]);
  now = Date.now() + 60_001;
  const [before, after] = await receiver.untilReceived(2);
  expect(after?.headers['webhook-id']).toBe(before?.headers['webhook-id'] ?? '');
  expect(after?.body).toBe(before?.body ?? '');
}, 60_000);

test('policy.md §12: two processes never deliver the same one at once', async () => {
  await using receiver = await openReceiver((response) => response.end());
  for (let i = 0; i < 10; i++) await hold(`f${i}`, { agent: `a${i}` });
  for (const owner of ['one', 'two', 'three']) start(receiver.url, owner);
  await receiver.untilReceived(10);
  await Promise.all(running.map((notifier) => notifier.stop()));
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(10);
  expect(receiver.received).toHaveLength(10);
}, 60_000);
