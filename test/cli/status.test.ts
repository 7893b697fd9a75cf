/** cli.md §1: `status` shows what needs a human first, aimed at a policy or an agent, and fits the terminal. */
import { describe, expect, test } from 'bun:test';
import { appendFileSync, chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createPaint } from '../../src/cli/paint.ts';
import { renderStatus } from '../../src/cli/status-view.ts';
import { joinParts } from '../../src/core/counter.ts';
import { openStatus } from '../../src/run/status.ts';
import { stateIn } from '../../src/state/open.ts';
import { BUN, interceptCommand, ROOT } from '../harness/paths.ts';
import { startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { HAS_TERMINAL, sitAtTerminal } from '../harness/terminal.ts';
import { approvalOf, claiming, held, reservationOf } from '../state/calls.ts';
import { type Folder, openFolder } from './run.ts';

const POLICY = `version: "1"
name: shop
default: deny
methods: {"*": allow, "resources/list": deny}
tools:
  echo:
    - {name: few, rate_limit: 2/hour}
    - {name: only small, conditions: [{path: args.n, op: lte, value: 5}]}
`;

function homeOf(folder: Folder): string {
  return String(folder.env.INTERCEPT_HOME);
}

/** A namespace as that of a named policy. */
const named = (name: string) => joinParts(['', 'name', name]);

async function hold(folder: Folder, policy: string, count: number, fields: Parameters<typeof held>[1] = {}): Promise<readonly string[]> {
  const store = await stateIn(join(homeOf(folder), 'state')).open({ namespace: named(policy) });
  const verdicts = await store.reserve(Array.from({ length: count }, (_, i) => held(`${policy}-${i}`, { args: `{"n":${i}}`, ...fields })));
  await store.close();
  return verdicts.map((verdict) => approvalOf(verdict).id);
}

function record(folder: Folder, fields: Record<string, unknown>): void {
  const events = join(homeOf(folder), 'events');
  mkdirSync(events, { recursive: true, mode: 0o700 });
  const common = { ts: new Date().toISOString(), type: 'tool_call', instance: 'i1', policy: 'shop', tool: 'refund', result: 'denied' };
  appendFileSync(join(events, '2026-i1.jsonl'), `${JSON.stringify({ ...common, ...fields })}\n`);
}

describe('what needs a human comes first', () => {
  test('paused, waiting, outcome unknown, then what runs and was decided', async () => {
    using folder = openFolder();
    const [id] = await hold(folder, 'shop', 1);
    const store = await stateIn(join(homeOf(folder), 'state')).open({ namespace: named('shop') });
    const [claimed] = await store.reserve([claiming('k'.repeat(64))]);
    await store.settle([{ reservation: reservationOf(claimed), outcome: 'kept' }]);
    await store.close();
    record(folder, { rule: 'cap', message: 'too much (condition args.n lte 5 is false)', args: { n: 9 }, agent: 'bot' });
    await folder.run('pause', '--reason', 'look');
    const { out } = await folder.run('status');
    const places = [
      'PAUSED all policies since ',
      `waiting for approval (1)\n  ${id}  cancel_subscription  anna  15m left  {"n":0}  ask`,
      'outcome unknown (1): see "intercept idempotency"\n  kkkkkkkkkkkk  cancel_subscription  anna  denied for 5m  {"id":"sub_1"}',
      'no instance is running',
      '0 allowed, 1 denied',
      'refund  bot  cap: too much (condition args.n lte 5 is false)  {"n":9}',
    ].map((text) => out.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('what runs: its page, a counter near its limit, methods that were refused', async () => {
    await using server = await setUpRecorder();
    await using proxy = await startProxy({ policy: POLICY, server: server.command, flags: ['--enable-admin-api'] });
    await proxy.client.initialize();
    for (let n = 0; n < 3; n++) await proxy.client.request('tools/call', { name: 'echo', arguments: { n } });
    await proxy.client.request('resources/list', {});
    using folder = openFolder(proxy.home);
    const { out } = await folder.run('status');
    expect(out).toMatch(/counters near their limit\n {2}█{10} {2}2 of 2 this hour {2}.* left {2}shop: echo 2\/hour\n/);
    expect(out).toMatch(/instances \(1\)\n {2}shop {2}.* {2}pid \d+ on .*\n {4}page http:\/\/127.0.0.1:\d+\/approvals\n/);
    expect(out).toMatch(/2 allowed, 1 denied, 0 held, 0 replayed, 1 other request refused\n/);
    expect(out).toContain('other requests refused\n       1  resources/list\n');
    // The file's first record tells it also where that is older than what counts.
    const { instances } = JSON.parse((await folder.run('status', '--json', '--since', '1ms')).out);
    expect(instances).toMatchObject([{ config: proxy.policyFile, page: expect.stringContaining('/approvals'), listens: null }]);
  });
});

test('the address of a listener is shown', async () => {
  await using server = await setUpRecorder();
  await using proxy = await startProxy({ policy: POLICY, server: server.command, flags: ['--transport', 'http'] });
  await proxy.untilRecords('its start', (all) => all.some(({ type }) => type === 'startup'));
  using folder = openFolder(proxy.home);
  expect((await folder.run('status')).out).toMatch(/\n {4}listens on http:\/\/127\.0\.0\.1:\d+\/mcp\n/);
});

describe('it can be aimed', () => {
  test('at a policy by name or file, and at an agent', async () => {
    using folder = openFolder();
    const [shop] = await hold(folder, 'shop', 1);
    const [files] = await hold(folder, 'files', 1, { agent: 'carl' });
    record(folder, { tool: 'of_shop', rule: 'cap', agent: 'anna' });
    record(folder, { tool: 'of_files', rule: 'cap', policy: 'files', agent: 'carl' });
    await folder.run('pause', '--policy', 'files', '--force');
    const aims = [
      ['--policy', 'shop'],
      ['--agent', 'anna'],
      ['-c', folder.write('p.yaml', POLICY)],
    ];
    for (const aim of aims) {
      const { out, status } = await folder.run('status', ...aim);
      expect([aim, status]).toEqual([aim, 0]);
      for (const text of ['of_shop', String(shop), '1 denied']) expect(out).toContain(text);
      for (const text of ['of_files', String(files)]) expect(out).not.toContain(text);
      expect(out.includes('PAUSED files')).toBe(aim[0] === '--agent');
    }
    expect(await folder.run('status', '-c', 'missing.yaml')).toMatchObject({
      status: 3,
      err: expect.stringContaining('intercept: missing.yaml: does not exist\nhelp: '),
    });
  });

  test('at a policy whose folders begin with CWD, from another folder than the proxy was started in', async () => {
    await using server = await setUpRecorder({ tools: [{ name: 'echo' }] });
    const policy = `${POLICY}    - {name: here, conditions: [{path: args.path, op: within, value: "\${CWD}/data"}]}\n`;
    await using proxy = await startProxy({ policy, server: server.command, cwd: '/' });
    await proxy.client.initialize();
    await proxy.client.request('tools/call', { name: 'echo', arguments: { n: 1, path: '/data/x' } });
    using folder = openFolder(proxy.home);
    for (const aim of [[], ['-c', proxy.policyFile]]) {
      const { out } = await folder.run('status', ...aim);
      expect(out).toContain('1 of 2 this hour');
    }
  });
});

describe('it fits', () => {
  test.skipIf(!HAS_TERMINAL)('what needs somebody is named again where it has left the screen', async () => {
    using folder = openFolder();
    await hold(folder, 'shop', 9);
    for (let i = 0; i < 8; i++) record(folder, { tool: `tool_${i}`, rule: `rule ${i}`, message: 'no' });
    await folder.run('pause', '--reason', 'look');
    const above = 'above: PAUSED all policies, 9 waiting for approval';
    for (const [rows, isSaid] of [
      [24, true],
      [80, false],
    ] as const) {
      using person = sitAtTerminal([...interceptCommand(), 'status'], { env: { ...folder.env, NO_COLOR: '1' }, rows });
      expect((await person.untilPrinted('status=0.')).includes(above)).toBe(isSaid);
    }
    expect((await folder.run('status')).out).not.toContain('above:');
  });

  test('no line is wider than the terminal, and what is left out is counted', async () => {
    using folder = openFolder();
    await hold(folder, 'shop', 13, { args: JSON.stringify({ text: 'x'.repeat(300) }) });
    for (let i = 0; i < 13; i++)
      record(folder, { tool: `tool_with_a_name_that_is_long_${i}`, rule: `rule ${'r'.repeat(60)} ${i}`, message: 'm'.repeat(300) });
    const home = homeOf(folder);
    const source = { home, state: stateIn(join(home, 'state')), since: 86_400_000, config: undefined, statePrefix: undefined };
    const read = await openStatus({ ...source, policy: undefined, agent: undefined });
    for (const width of [40, 80, 200]) {
      const lines = renderStatus(await read(), width, createPaint(false));
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
      expect(lines.slice(0, 10)).toContainEqual(expect.stringContaining('… 5 more'));
      expect(lines.filter((line) => line.includes('… 5 more')).length).toBe(3);
    }
  });

  test.skipIf(!HAS_TERMINAL)('watch says what is hidden, and scrolls', async () => {
    using folder = openFolder();
    await hold(folder, 'shop', 9);
    for (let i = 0; i < 9; i++) record(folder, { tool: `tool${i}`, rule: `rule${i}` });
    using person = sitAtTerminal([...interceptCommand(), 'status', '--watch'], { env: { INTERCEPT_HOME: homeOf(folder) } });
    const first = await person.untilShown('more below');
    expect(first[0]).toContain('waiting for approval (9)');
    expect(first.length).toBeLessThanOrEqual(24);
    expect(first.at(-1)).toMatch(/^q quits {3}↑ ↓ space scroll {3}\d+ more below$/);
    person.type(' ');
    expect((await person.untilShown('above')).join('\n')).not.toContain('waiting for approval');
    person.type('q');
    expect(await person.ended).not.toBeNull();
  });
});

test.skipIf(process.getuid?.() !== 0)('audit files that may not be read are an error, and not silence', async () => {
  using folder = openFolder();
  record(folder, {});
  const folders = [folder.path, homeOf(folder), join(homeOf(folder), 'events')];
  for (const path of folders) Bun.spawnSync(['chown', '65534', path]);
  chmodSync(join(homeOf(folder), 'events', '2026-i1.jsonl'), 0o600);
  const program = `process.setgid(65534); process.setuid(65534); process.argv = ['', '', 'status']; await import(${JSON.stringify(join(ROOT, 'src/cli/main.ts'))})`;
  const { exitCode, stderr } = Bun.spawnSync([BUN, '-e', program], { env: { ...process.env, INTERCEPT_HOME: homeOf(folder) }, cwd: '/' });
  expect([exitCode, stderr.toString()]).toEqual([1, expect.stringContaining('intercept: cannot read the audit file ')]);
});
