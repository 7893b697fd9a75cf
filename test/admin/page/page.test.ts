/** The approval page's own requests (policy.md §12): only who signed in sees or decides, and not by accident. */
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { TOKEN, useDesk } from '../fixture.ts';

const desk = useDesk();
const NO_TOKEN = { token: null };

/** Signs in, also as the approver where the secret is given; answers with the headers that the browser then sends. */
async function signIn(secret?: string): Promise<Readonly<Record<string, string>>> {
  const { status, json, headers } = await desk.ask('/approvals/page/session', { ...NO_TOKEN, method: 'POST', body: { secret: TOKEN } });
  expect(status).toBe(200);
  const [cookie = ''] = (headers.get('set-cookie') ?? '').split(';');
  const session = { cookie, 'x-intercept-key': json.key };
  if (secret !== undefined) expect((await becomeApprover(session, secret)).status).toBe(200);
  return session;
}

const becomeApprover = (headers: Readonly<Record<string, string>>, secret: string) =>
  desk.ask('/approvals/page/approver', { ...NO_TOKEN, method: 'POST', headers, body: { secret } });

const record = (id: string, headers: Readonly<Record<string, string>>) =>
  desk.ask(`/approvals/page/record/${id}`, { ...NO_TOKEN, headers });
const decide = (id: string, headers: Readonly<Record<string, string>>, body: object = { verdict: 'approve' }) =>
  desk.ask(`/approvals/page/decide/${id}`, { ...NO_TOKEN, method: 'POST', headers, body });

describe('policy.md §12: the page', () => {
  test('holds nothing of a record, and may run nothing but its own script', async () => {
    const id = await desk.hold();
    const page = await desk.ask(`/approvals/${id}`, NO_TOKEN);
    const other = await desk.ask('/approvals/apr_nosuchrecord2345', NO_TOKEN);
    expect(page.status).toBe(200);
    expect(page.text).toBe(other.text);
    const policy = page.headers.get('content-security-policy') ?? '';
    const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const [, script = ''] = /<script type="module">(.*)<\/script>/s.exec(page.text) ?? [];
    const [, style = ''] = /<style>(.*)<\/style>/s.exec(page.text) ?? [];
    expect(policy.split('; ')).toContain(`script-src ${hashOf(script)}`);
    expect(policy.split('; ')).toContain(`style-src ${hashOf(style)}`);
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"])
      expect(policy.split('; ')).toContain(part);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.text).not.toMatch(/(?:src|href)="(?!data:|\/approvals")/);
  });

  test('can be opened by a link elsewhere, and what it asks for cannot', async () => {
    const id = await desk.hold();
    const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await desk.ask(`/approvals/${id}`, { ...NO_TOKEN, headers: foreign })).status).toBe(200);
    expect((await record(id, { ...(await signIn()), ...foreign })).status).toBe(403);
    expect((await desk.ask(`/approvals/${id}`, { ...NO_TOKEN, headers: { ...foreign, 'sec-fetch-dest': 'iframe' } })).status).toBe(403);
  });
});

describe('policy.md §12: signing in', () => {
  test('takes the admin token, and gives a cookie that scripts and other sites do not get', async () => {
    const { headers } = await desk.ask('/approvals/page/session', { ...NO_TOKEN, method: 'POST', body: { secret: ` ${TOKEN}\n` } });
    expect(headers.get('set-cookie')).toMatch(
      new RegExp(`^intercept_${desk.port}=[\\w-]{43}; Path=/approvals; HttpOnly; SameSite=Strict$`),
    );
    for (const secret of ['wrong', '', 7]) {
      const wrong = await desk.ask('/approvals/page/session', { ...NO_TOKEN, method: 'POST', body: { secret } });
      expect([wrong.status === 200, wrong.headers.get('set-cookie')]).toEqual([false, null]);
    }
  });

  test('cookie and key open nothing without each other: programs on other ports see the cookie', async () => {
    const id = await desk.hold();
    const [mine, other] = [await signIn(), await signIn()];
    desk.elapsed = 5_000;
    const half = [
      {},
      { cookie: mine.cookie ?? '' },
      { 'x-intercept-key': mine['x-intercept-key'] ?? '' },
      { cookie: mine.cookie ?? '', 'x-intercept-key': other['x-intercept-key'] ?? '' },
      { cookie: mine.cookie ?? '', 'x-intercept-key': '' },
    ];
    for (const headers of half) {
      expect((await record(id, headers)).status).toBe(401);
      expect((await decide(id, headers)).status).toBe(401);
      expect((await desk.ask('/approvals/page/list', { ...NO_TOKEN, headers })).status).toBe(401);
      expect((await desk.ask('/approvals/page/ids', { ...NO_TOKEN, headers })).status).toBe(401);
      expect((await desk.ask(`/approvals/page/state/${id}`, { ...NO_TOKEN, headers })).status).toBe(401);
    }
    expect((await record(id, mine)).status).toBe(200);
  });

  test('ends with signing out, and after eight hours', async () => {
    const [first, second] = [await signIn(), await signIn()];
    const list = async (headers: Readonly<Record<string, string>>) =>
      (await desk.ask('/approvals/page/list', { ...NO_TOKEN, headers })).status;
    expect((await desk.ask('/approvals/page/session', { ...NO_TOKEN, method: 'DELETE', headers: first })).status).toBe(200);
    expect([await list(first), await list(second)]).toEqual([401, 200]);
    desk.elapsed = 8 * 3_600_000 + 1;
    expect(await list(second)).toBe(401);
  });
});

describe('policy.md §12: deciding on the page', () => {
  test('counts only for a record that has been shown for a second', async () => {
    const [id, other] = [await desk.hold('f'), await desk.hold('g')];
    const me = await signIn();
    expect((await decide(id, me)).json.error.code).toBe('not_shown');
    desk.elapsed = 5_000;
    await record(id, me);
    desk.elapsed = 5_999;
    expect((await decide(id, me)).json.error.code).toBe('too_soon');
    expect((await decide(other, me)).json.error.code).toBe('not_shown');
    desk.elapsed = 6_000;
    const done = await decide(id, me, { verdict: 'approve', as: 'anna', reason: 'by phone' });
    expect([done.status, done.json.state, done.json.decided_by]).toEqual([200, 'approved', 'anna']);
    expect(desk.records[0]).toMatchObject({ type: 'approval_approved', fields: { by: 'anna', via: 'page' } });
    expect((await decide(id, me, { verdict: 'deny' })).status).toBe(409);
  });

  test('takes nothing but the two verdicts', async () => {
    const id = await desk.hold();
    const me = await signIn();
    await record(id, me);
    desk.elapsed = 2_000;
    for (const verdict of [undefined, 'yes', 'APPROVE', ['approve']]) expect((await decide(id, me, { verdict })).status).toBe(400);
    expect((await desk.store.approvals.list({ state: 'pending' })).length).toBe(1);
  });

  test('does not approve what was too large to be shown; denying it works', async () => {
    const id = await desk.hold('f', { args: JSON.stringify({ note: 'x'.repeat(300_000) }) });
    const me = await signIn();
    expect((await record(id, me)).json.complete).toBe(false);
    desk.elapsed = 2_000;
    expect((await decide(id, me)).json.error.code).toBe('not_shown');
    expect((await decide(id, me, { verdict: 'deny' })).json.state).toBe('denied');
  });

  test('needs the approver secret where one is set, also when it was set after signing in', async () => {
    const id = await desk.hold();
    const before = await signIn();
    await record(id, before);
    await desk.protect('correct horse');
    desk.elapsed = 2_000;
    expect((await decide(id, before)).json.error.code).toBe('approver_required');
    expect((await record(id, before)).json.mayDecide).toBe(false);
    expect((await record(id, await signIn())).json.mayDecide).toBe(false);
    const approver = await signIn('correct horse');
    expect((await record(id, approver)).json.mayDecide).toBe(true);
    await desk.protect('battery staple');
    desk.elapsed = 4_000;
    expect((await decide(id, approver)).json.error.code).toBe('approver_required');
    const again = await signIn('battery staple');
    await record(id, again);
    desk.elapsed = 6_000;
    expect((await decide(id, again)).json.state).toBe('approved');
  }, 60_000);

  test('the secret alone opens nothing, and without a session it is not even compared', async () => {
    await desk.protect('correct horse');
    const alone = await desk.ask('/approvals/page/session', { ...NO_TOKEN, method: 'POST', body: { secret: 'correct horse' } });
    expect([alone.status, alone.headers.get('set-cookie')]).toEqual([401, null]);
    expect((await becomeApprover({}, 'correct horse')).status).toBe(401);
    const me = await signIn();
    const wrong = await becomeApprover(me, 'wrong');
    expect([wrong.status, wrong.json.error.code]).toEqual([403, 'approver_required']);
    expect((await becomeApprover(me, '')).status).toBe(400);
  }, 60_000);

  test('the list shows what waits, and the state what became of it', async () => {
    const id = await desk.hold('f', { tool: 'refund\u202e' });
    const me = await signIn();
    const { json } = await desk.ask('/approvals/page/list', { ...NO_TOKEN, headers: me });
    expect(json.approvals).toMatchObject([{ id, expiresIn: 900_000 }]);
    expect((await desk.ask('/approvals/page/ids', { ...NO_TOKEN, headers: me })).json).toEqual({ ids: [id] });
    expect(json.approvals[0].tool[1]).toMatchObject({ kind: 'unseen', label: 'U+202E right-to-left override' });
    desk.clock.now += 900_001;
    const state = await desk.ask(`/approvals/page/state/${id}`, { ...NO_TOKEN, headers: me });
    expect(state.json).toMatchObject({ state: 'expired', expiresIn: -1 });
  });

  test('a line has the beginning of long arguments, and of many', async () => {
    await desk.hold('f', { call: 'f', args: JSON.stringify({ note: 'x'.repeat(100), last: 1 }) });
    await desk.hold('g', { call: 'g', args: JSON.stringify({ note: 'x'.repeat(600) }) });
    await desk.hold('h', { call: 'h', args: JSON.stringify({ a: [1, 2, 3, 4, 5, 6, '\u202e'] }) });
    const { json } = await desk.ask('/approvals/page/list', { ...NO_TOKEN, headers: await signIn() });
    const [long, longer, many] = json.approvals;
    expect([long.args[0].value[0].text, long.args[0].isCut, long.hasMore]).toEqual(['x'.repeat(60), true, false]);
    expect([longer.args.length, longer.args[0].path, longer.hasMore]).toEqual([1, [], true]);
    expect([many.args.length, many.args[0].isCut, many.hasMore]).toEqual([6, false, true]);
  });

  test('the whole time-out is told beside what is left of it, before and after the decision', async () => {
    const id = await desk.hold();
    const me = await signIn();
    desk.clock.now += 675_000;
    expect((await record(id, me)).json).toMatchObject({ expiresIn: 225_000, wholeTime: 900_000 });
    desk.elapsed = 2_000;
    await decide(id, me);
    desk.clock.now += 300_000;
    expect((await record(id, me)).json).toMatchObject({ expiresIn: 600_000, wholeTime: 900_000 });
  });

  test('a name that the system does not know is no name; the address alone leads to the list', async () => {
    for (const [operator, name] of [
      ['unknown', ''],
      ['uid 0', ''],
      ['anna', 'anna'],
    ] as const) {
      desk.operator = operator;
      const { json } = await desk.ask('/approvals/page/session', { ...NO_TOKEN, method: 'POST', body: { secret: TOKEN } });
      expect(json.operator).toBe(name);
    }
    const root = await fetch(`${desk.origin}/`, { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, '/approvals']);
  });
});
