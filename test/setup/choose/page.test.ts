/** setup.md §3.4, console.md §2: who may ask the server of the page, and for what. */
import { afterEach, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { ServerRules, ServerTools, SetupState } from '../../../src/console/setup/api.ts';
import { type Chooser, openChooser } from '../../../src/setup/choose/chooser.ts';
import { type ChoicePage, openChoicePage } from '../../../src/setup/choose/page.ts';
import type { ServerToChoose } from '../../../src/setup/choose/servers.ts';
import { hostileServer, manyServers, scanned, serverOf } from './fixture.ts';

const opened: ChoicePage[] = [];
afterEach(async () => {
  for (const page of opened.splice(0)) await page.close();
});

interface Desk {
  readonly chooser: Chooser;
  readonly page: ChoicePage;
  readonly clock: { now: number };
  readonly origin: string;
  readonly secret: string;
}

async function openDesk(servers: readonly ServerToChoose[] = manyServers()): Promise<Desk> {
  const clock = { now: 1_000 };
  const chooser = openChooser(servers, () => {});
  const page = await openChoicePage(chooser, () => clock.now);
  opened.push(page);
  return { chooser, page, clock, ...partsOf(page.newLink()) };
}

function partsOf(link: string): { readonly origin: string; readonly secret: string } {
  const { origin, hash } = new URL(link);
  return { origin, secret: hash.slice('#k='.length) };
}

type Headers = Readonly<Record<string, string>>;

function post({ origin }: Desk, path: string, body: unknown, headers: Headers = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${origin}/page/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text });
}

/** Both halves of a session. */
async function signIn(desk: Desk, secret = desk.secret): Promise<Headers> {
  const response = await post(desk, 'session', { secret });
  expect(response.status).toBe(200);
  const { key } = (await response.json()) as { readonly key: string };
  const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';');
  expect(response.headers.get('set-cookie')).toContain('HttpOnly; SameSite=Strict');
  return { cookie, 'x-intercept-key': key };
}

async function stateOf({ origin }: Desk, headers: Headers): Promise<SetupState> {
  return (await (await fetch(`${origin}/page/state`, { headers })).json()) as SetupState;
}

/** The status of a request written byte by byte: `fetch` names its own host. */
function statusOf({ origin }: Desk, head: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1', () => socket.write(`${head}Connection: close\r\n\r\n`));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text.slice(9, 12)));
  });
}

test('the document holds nothing, may run its own script alone, and is kept nowhere', async () => {
  const { origin } = await openDesk();
  const response = await fetch(origin, {
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  });
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(response.status).toBe(200);
  expect(policy).toStartWith("default-src 'none'; script-src 'sha256-");
  expect(policy).not.toMatch(/unsafe|\*|http/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('x-frame-options')).toBe('DENY');
  expect(await response.text()).not.toContain('delete_customer');
});

test('a link opens the page once, for ten minutes, and the next one ends it', async () => {
  const desk = await openDesk();
  expect((await post(desk, 'session', { secret: 'x'.repeat(43) })).status).toBe(401);
  await signIn(desk);
  expect((await post(desk, 'session', { secret: desk.secret })).status).toBe(401);
  const late = partsOf(desk.page.newLink()).secret;
  desk.clock.now += 600_001;
  expect((await post(desk, 'session', { secret: late })).status).toBe(401);
  const replaced = partsOf(desk.page.newLink()).secret;
  const newest = partsOf(desk.page.newLink()).secret;
  expect((await post(desk, 'session', { secret: replaced })).status).toBe(401);
  await signIn(desk, newest);
});

test('it knows for how long nobody has asked for anything', async () => {
  const desk = await openDesk();
  expect(desk.page.silence()).toBeUndefined();
  const headers = await signIn(desk);
  desk.clock.now += 180_001;
  await fetch(desk.origin);
  expect(desk.page.silence()).toBe(180_001);
  await stateOf(desk, headers);
  expect(desk.page.silence()).toBe(0);
});

test('neither half of a session opens anything alone', async () => {
  const desk = await openDesk();
  const { cookie = '', ...key } = await signIn(desk);
  for (const headers of [{}, { cookie }, key, { cookie, 'x-intercept-key': 'x'.repeat(43) }])
    for (const path of ['state', 'tools/0', 'rules/0']) expect((await fetch(`${desk.origin}/page/${path}`, { headers })).status).toBe(401);
  expect((await post(desk, 'step', { kind: 'cancel' }, { cookie })).status).toBe(401);
  expect(desk.chooser.ended()).toBeUndefined();
});

test('nobody else may ask: other hosts, other origins, other sites', async () => {
  const desk = await openDesk();
  const headers = await signIn(desk);
  const step = (more: Headers) => post(desk, 'step', { kind: 'cancel' }, { ...headers, ...more }).then(({ status }) => status);
  expect(await step({ origin: 'https://evil.example' })).toBe(403);
  expect(await step({ origin: desk.origin.replace(/\d+$/, '1') })).toBe(403);
  expect(await step({ origin: 'null' })).toBe(403);
  expect(await step({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' })).toBe(403);
  expect(await step({ 'sec-fetch-site': 'same-site' })).toBe(403);
  expect(await step({ 'content-type': 'text/plain' })).toBe(415);
  for (const host of ['evil.example', '0.0.0.0', '127.0.0.1.evil.example'])
    expect(await statusOf(desk, `GET / HTTP/1.1\r\nHost: ${host}\r\n`)).toBe('403');
  expect(await statusOf(desk, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n')).not.toBe('200');
  expect(desk.chooser.ended()).toBeUndefined();
});

test('it listens on this machine alone', async () => {
  const desk = await openDesk();
  const outer = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  if (!outer) return;
  const reached = await new Promise((resolve) => {
    const socket = connect(Number(new URL(desk.origin).port), outer.address, () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  expect(reached).toBe(false);
});

test.each([
  [{}],
  [{ kind: 'put', id: 'shop', state: { kind: 'scanned', tools: [] } }],
  [{ kind: 'column', server: 9, tools: [0], column: 'deny' }],
  [{ kind: 'column', server: '0', tools: [0], column: 'deny' }],
  [{ kind: 'column', server: 0, tools: [0, 99], column: 'deny' }],
  [{ kind: 'column', server: 0, tools: [0], column: 'allow\nrules: []' }],
  [{ kind: 'column', server: 0, tools: [0], column: '__proto__' }],
  [{ kind: 'cover', server: 0, cover: '../../etc/passwd' }],
  [{ kind: 'stage', stage: 'done' }],
  [{ kind: 'mode', mode: 'off' }],
  [{ kind: 'finish' }],
])('what cannot be chosen is refused, and changes nothing: %j', async (body) => {
  const desk = await openDesk();
  const headers = await signIn(desk);
  const before = desk.chooser.state();
  expect((await post(desk, 'step', body, headers)).status).toBe(400);
  expect(desk.chooser.state()).toBe(before);
});

test('bodies are bounded, and long enough for the places of 10,000 tools', async () => {
  const many = Array.from({ length: 10_000 }, (_, index) => [`list_${index}`, 'Read', ''] as const);
  const desk = await openDesk([serverOf('many', scanned('many', many))]);
  const headers = await signIn(desk);
  const tools = many.map((_, index) => index);
  expect((await post(desk, 'step', { kind: 'column', server: 0, tools, column: 'deny' }, headers)).status).toBe(200);
  expect((await stateOf(desk, headers)).servers[0]?.counts).toMatchObject({ deny: 10_000 });
  const huge = await post(desk, 'step', { kind: 'undo', filler: 'x'.repeat(200_000) }, headers).then(
    ({ status }) => status,
    () => 413,
  );
  expect(huge).toBe(413);
});

test('what a server sends is bounded and in pieces; its policy has no character that is not seen', async () => {
  const desk = await openDesk([hostileServer()]);
  const headers = await signIn(desk);
  const get = async (path: string) => await (await fetch(`${desk.origin}/page/${path}`, { headers })).text();
  const listed = await get('tools/0');
  expect(listed.length).toBeLessThan(2_000_000);
  const { tools } = JSON.parse(listed) as ServerTools;
  expect(tools.flatMap(({ name }) => name).some(({ kind }) => kind === 'unseen')).toBe(true);
  const rules = JSON.parse(await get('rules/0')) as ServerRules;
  expect(rules.text).not.toMatch(/[\p{Cf}\p{Cs}]|(?!\n)\p{Cc}/u);
  expect(rules.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(rules.leftOut.length).toBeGreaterThan(0);
});

test('the choice ends it: who is still there learns so, and then nobody is served', async () => {
  const desk = await openDesk();
  const headers = await signIn(desk);
  await post(desk, 'step', { kind: 'column', server: 0, tools: [0], column: 'hide' }, headers);
  await post(desk, 'step', { kind: 'stage', stage: 'mode' }, headers);
  await post(desk, 'step', { kind: 'mode', mode: 'shadow' }, headers);
  const last = (await (await post(desk, 'step', { kind: 'finish' }, headers)).json()) as SetupState;
  expect(last.stage).toBe('done');
  expect((await post(desk, 'step', { kind: 'undo' }, headers)).status).toBe(200);
  expect((await stateOf(desk, headers)).stage).toBe('done');
  const choice = await desk.chooser.done;
  expect(choice === 'cancelled' ? choice : [choice.mode, ...(choice.servers.get('shop')?.columns ?? [])]).toEqual([
    'shadow',
    ['cancel_subscription', 'hide'],
  ]);
  await desk.page.close();
  expect(await fetch(desk.origin).then(String, () => 'closed')).toBe('closed');
});
