/** The admin API (cli.md §3): what it answers, and whom it refuses. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { counter, limited } from '../state/calls.ts';
import { type Asked, useDesk } from './fixture.ts';

// A machine that has much else to do may take its time.
setDefaultTimeout(60_000);

const desk = useDesk();

const post = (path: string, body: unknown = {}, more: Asked = {}) => desk.ask(path, { method: 'POST', body, ...more });

describe('cli.md §3: records', () => {
  test('are listed and shown in full, with the arguments exactly as they came', async () => {
    const id = await desk.hold('f', { args: '{"amount": 9007199254740993,\n"rate":1e400}' });
    const listed = await desk.ask('/v1/approvals?state=pending');
    expect(listed.status).toBe(200);
    expect(listed.text).toContain('"args":{"amount": 9007199254740993, "rate":1e400}');
    expect(listed.json.approvals).toHaveLength(1);
    const { json } = await desk.ask(`/v1/approvals/${id}`);
    expect(json).toMatchObject({
      id,
      state: 'pending',
      tool: 'cancel_subscription',
      agent: 'anna',
      rule: 'ask',
      message: 'a human decides',
    });
    expect(json).toMatchObject({ overrides: ['the amount is at most 500'], upstream: 'npx server', policy: 'stripe', decided_at: null });
    expect(json.expires_at).toBe('2026-03-04T10:45:15.500Z');
  });

  test('are listed page by page, few at a time where their arguments are large', async () => {
    const args = JSON.stringify({ text: 'x'.repeat(3_000_000) });
    const ids = [await desk.hold('a', { args }), await desk.hold('b', { args }), await desk.hold('c', { args }), await desk.hold('d')];
    const pageOf = async (query: string) => {
      const { json } = await desk.ask(`/v1/approvals?state=pending${query}`);
      for (const one of json.approvals) if (one.id !== ids[3]) expect(JSON.stringify(one.args)).toBe(args);
      return [json.approvals.map(({ id }: { id: string }) => ids.indexOf(id)), json.next && ids.indexOf(json.next)];
    };
    expect(await pageOf('')).toEqual([[0, 1], 1]);
    expect(await pageOf(`&after=${ids[1]}`)).toEqual([[2, 3], null]);
    expect(await pageOf(`&after=${ids[1]}&limit=1`)).toEqual([[2], 2]);
    expect(await pageOf(`&after=${ids[3]}`)).toEqual([[], null]);
  });

  test('are decided once; who, why and by which way is recorded', async () => {
    const id = await desk.hold();
    const { status, json } = await post(`/v1/approvals/${id}/approve`, { as: 'anna', reason: 'agreed by phone' });
    expect(status).toBe(200);
    expect(json).toMatchObject({ id, state: 'approved', decided_by: 'anna', reason: 'agreed by phone' });
    const again = await post(`/v1/approvals/${id}/deny`);
    expect(again.status).toBe(409);
    expect(again.json.error).toMatchObject({ code: 'not_pending', message: 'it was approved already by "anna"' });
    const fields = {
      approval: id,
      tool: 'cancel_subscription',
      agent: 'anna',
      rule: 'ask',
      by: 'anna',
      reason: 'agreed by phone',
      via: 'api',
    };
    expect(desk.records).toEqual([{ type: 'approval_approved', fields }]);
  });

  test('are decided by the operator where nobody is named, without a body', async () => {
    const id = await desk.hold();
    const { json } = await desk.ask(`/v1/approvals/${id}/deny`, { method: 'POST' });
    expect(json).toMatchObject({ state: 'denied', decided_by: 'operator', reason: '' });
  });

  test('that expired cannot be decided', async () => {
    const id = await desk.hold();
    desk.clock.now += 900_000;
    const { status, json } = await post(`/v1/approvals/${id}/approve`);
    expect([status, json.error.message]).toEqual([409, 'it expired']);
    expect((await desk.ask(`/v1/approvals/${id}`)).json.state).toBe('expired');
  });

  test('that do not exist are 404, a shortened id included', async () => {
    const id = await desk.hold();
    for (const path of ['/v1/approvals/apr_nosuchrecord2345', `/v1/approvals/${id.slice(0, 10)}`])
      expect((await desk.ask(path)).status).toBe(404);
    for (const wrong of ['apr_nosuchrecord2345', id.slice(0, 10), id.toUpperCase()])
      expect((await post(`/v1/approvals/${wrong}/approve`)).status).toBe(404);
    expect((await desk.ask(`/v1/approvals/${id}`)).json.state).toBe('pending');
  });

  test('answer under the older paths too', async () => {
    const [first, second] = [await desk.hold('f'), await desk.hold('g')];
    expect((await desk.ask('/approvals/pending')).json.approvals).toHaveLength(2);
    expect((await desk.ask(`/approvals/pending/${first}`)).json.id).toBe(first);
    expect((await post(`/approvals/approve/${first}`)).json.state).toBe('approved');
    expect((await post(`/approvals/deny/${second}`, { reason: 'no' })).json.state).toBe('denied');
    expect((await desk.ask(`/approvals/pending/${first}`)).status).toBe(404);
  });

  test('refuse names and reasons that hide something', async () => {
    const id = await desk.hold();
    for (const body of [{ as: 'an\u202ena' }, { as: 7 }, { reason: 'x'.repeat(2_001) }, { as: '\u001b[2J' }, { reason: {} }]) {
      const { status, json } = await post(`/v1/approvals/${id}/approve`, body);
      expect([status, json.error.code]).toEqual([400, 'bad_request']);
    }
    expect((await desk.ask(`/v1/approvals/${id}`)).json.state).toBe('pending');
  });

  test.each(['state=open', 'limit=0', 'limit=1001', 'limit=x', 'after=x', 'after='])('refuse a list of %s', async (query) => {
    expect((await desk.ask(`/v1/approvals?${query}`)).status).toBe(400);
  });
});

describe('cli.md §3: who may ask', () => {
  const paths = ['/v1/approvals', '/v1/status', '/v1/counters', '/v1/openapi.json', '/v1/events', '/approvals/pending'];

  test.each(paths)('%s needs the token', async (path) => {
    for (const token of [null, 'wrong', 'token-token-token-token-token-token-token-43d', '']) {
      const { status, json, headers } = await desk.ask(path, { token });
      expect([status, json.error.code]).toEqual([401, 'unauthorized']);
      expect(headers.get('www-authenticate')).toContain('Bearer');
    }
  });

  test('nothing is decided, paused or resumed without it', async () => {
    const id = await desk.hold();
    for (const path of [`/v1/approvals/${id}/approve`, `/approvals/approve/${id}`, '/v1/pause', '/v1/resume'])
      expect((await post(path, {}, { token: null })).status).toBe(401);
    expect((await desk.store.approvals.list({ state: 'pending' })).map((one) => one.id)).toEqual([id]);
    expect((await desk.store.control()).pauses).toEqual([]);
  });

  test.each(['http://evil.example', 'null', 'http://127.0.0.1:1', 'https://127.0.0.1'])('not the origin %s', async (origin) => {
    const { status, json } = await desk.ask('/v1/status', { headers: { origin } });
    expect([status, json.error.code]).toEqual([403, 'foreign_origin']);
  });

  test('not a page of another site, whatever it says of its origin', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const { status } = await desk.ask('/v1/status', { headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'cors' } });
      expect(status).toBe(403);
    }
  });

  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost@evil.example', '0.0.0.0'])(
    'not under the host %s',
    async (host) => {
      const { status, json } = await desk.ask('/v1/status', { headers: { host } });
      expect([status, json.error.code]).toEqual([403, 'foreign_host']);
    },
  );

  test('its own origin may, and no answer invites others', async () => {
    const { status, headers } = await desk.ask('/v1/status', { headers: { origin: desk.origin, 'sec-fetch-site': 'same-origin' } });
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await desk.ask('/v1/status', { method: 'OPTIONS', headers: { origin: desk.origin } })).status).toBe(405);
  });
});

describe('cli.md §3: what is not understood', () => {
  test.each([
    ['an array', '[]', 'application/json', 400],
    ['broken JSON', '{', 'application/json', 400],
    ['a form', 'as=x', 'application/x-www-form-urlencoded', 415],
    ['plain text', '{"as":"x"}', 'text/plain', 415],
    ['a large body', JSON.stringify({ reason: 'x'.repeat(20_000) }), 'application/json', 413],
  ])('%s is refused', async (_, body, type, status) => {
    const id = await desk.hold();
    expect((await post(`/v1/approvals/${id}/approve`, body, { headers: { 'content-type': type } })).status).toBe(status);
    expect((await desk.ask(`/v1/approvals/${id}`)).json.state).toBe('pending');
  });

  test('other paths and methods say so', async () => {
    expect((await desk.ask('/v1/nothing')).status).toBe(404);
    expect((await desk.ask('/v1/approvals/a%2Fb')).status).toBe(404);
    const { status, headers } = await desk.ask('/v1/pause');
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('policy.md §12: with an approver secret', () => {
  test('approve, deny and resume need it, and the token alone still reads and pauses', async () => {
    await desk.protect('correct horse');
    const id = await desk.hold();
    for (const path of [`/v1/approvals/${id}/approve`, `/v1/approvals/${id}/deny`, `/approvals/approve/${id}`, '/v1/resume']) {
      for (const headers of [{}, { 'x-intercept-approver': 'wrong' }]) {
        const { status, json } = await post(path, {}, { headers });
        expect([status, json.error.code]).toEqual([403, 'approver_required']);
      }
    }
    expect((await desk.ask('/v1/status')).json.protected).toBe(true);
    expect((await post('/v1/pause')).status).toBe(200);
    const headers = { 'x-intercept-approver': 'correct horse' };
    expect((await post('/v1/resume', {}, { headers })).status).toBe(200);
    expect((await post(`/v1/approvals/${id}/approve`, {}, { headers })).json.state).toBe('approved');
  }, 60_000);
});

describe('policy.md §11: pause and resume', () => {
  test('one policy or all, with a reason', async () => {
    expect((await post('/v1/pause', { reason: 'incident 42' })).json).toEqual({ policy: null, reason: 'incident 42', sequence: 1 });
    expect((await post('/v1/pause', { policy: 'stripe' })).json).toEqual({ policy: 'stripe', reason: '', sequence: 2 });
    expect((await desk.ask('/v1/status')).json.pauses).toHaveLength(2);
    expect((await post('/v1/resume')).json).toEqual({ policy: null, ended: 1, sequence: 3, still_paused: ['stripe'] });
    expect((await post('/v1/resume', { policy: 'stripe' })).json.still_paused).toEqual([]);
    expect(desk.records.map(({ type, fields }) => [type, fields['scope']])).toEqual([
      ['paused', null],
      ['paused', 'stripe'],
      ['resumed', null],
      ['resumed', 'stripe'],
    ]);
  });

  test('a policy that nothing here has is not paused, and the nearest is named', async () => {
    const { status, json } = await post('/v1/pause', { policy: 'Stripe' });
    expect(status).toBe(404);
    expect(json.error.message).toBe('nothing was paused: there is no such policy; what runs: "stripe"; did you mean "stripe"?');
    expect((await desk.store.control()).pauses).toEqual([]);
  });

  test('a misspelt member ends no pause', async () => {
    await post('/v1/pause', { policy: 'stripe' });
    await post('/v1/pause');
    for (const body of [{ polcy: 'stripe' }, { policy: '' }, { policy: 3 }]) expect((await post('/v1/resume', body)).status).toBe(400);
    expect((await desk.store.control()).pauses).toHaveLength(2);
  });
});

test('cli.md §3: counters show what is used, and when it ends', async () => {
  await desk.store.reserve([limited([counter('c')], 10_000_000, 3_000_000)]);
  expect((await desk.ask('/v1/counters')).json.counters).toEqual([
    { counter: 'c', unit: 'day', scope: null, value: '3000000', limit: null, resets_at: '2026-03-05T00:00:00.000Z' },
  ]);
});

test('a store that fails is 503, and says so', async () => {
  await desk.store.close();
  const { status, json } = await desk.ask('/v1/approvals');
  expect([status, json.error.code]).toEqual([503, 'unavailable']);
});
