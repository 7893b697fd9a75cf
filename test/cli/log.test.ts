/** `intercept log` (cli.md §1): what people read of the audit, and whether it is whole. */
import { describe, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { openKeyedHash } from '../../src/audit/key.ts';
import { openFileSink } from '../../src/audit/sinks/file.ts';
import type { AuditEvent } from '../../src/core/audit.ts';
import { callOf, NOON } from '../audit/events.ts';
import { interceptCommand } from '../harness/paths.ts';
import { startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { HAS_TERMINAL, sitAtTerminal } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';
import { type Folder, openFolder } from './run.ts';

/** Two processes that wrote by turns; one event each 10 s from noon on, and the instance that wrote it. */
const EVENTS: readonly (readonly ['a' | 'b', AuditEvent])[] = [
  ['a', { type: 'startup', fields: { pid: 7, upstream: 'npx server', mode: 'enforce' } }],
  ['a', callOf({ limit: 10 }, { call: 'a-1', tool: 'list_customers', agent: 'bot-1' })],
  ['b', callOf({ n: 1 }, { call: 'b-1', agent: 'bot 2\u202e', argsText: '{"n":9007199254740993}' })],
  ['a', { type: 'outcome', call: 'a-1', result: 'committed', upstreamUs: 5 }],
  ['b', { type: 'outcome', call: 'b-1', result: 'kept', upstreamUs: 5, error: 'the server ended' }],
  [
    'a',
    callOf(
      { amount: 60_000 },
      {
        call: 'a-2',
        result: 'denied',
        code: 'rule',
        rule: 'single refund',
        message: 'At most $500 (args.amount is 60000)',
        agent: 'bot-1',
      },
    ),
  ],
  [
    'b',
    callOf({}, { call: 'b-2', tool: 'drop', result: 'denied', code: 'default_deny', rule: '(default deny)', message: 'not permitted' }),
  ],
  ['a', callOf({}, { call: 'a-3', result: 'approval_required', code: 'approval_required', rule: 'large', approval: 'apr_1' })],
  ['a', { type: 'approval_requested', fields: { approval: 'apr_1', call: 'a-3', tool: 'create_refund' } }],
  ['b', { type: 'approval_denied', fields: { approval: 'apr_1', tool: 'create_refund', by: 'ada', reason: 'too much', via: 'page' } }],
  ['b', { type: 'request', fields: { method: 'resources/read', from: 'agent', result: 'denied', rule: '(methods)', uri: 'file:///x' } }],
  ['b', { type: 'refused', fields: { reason: 'duplicate_key', message: 'key "id" occurs twice' } }],
  ['b', { type: 'paused', fields: { scope: null, by: 'ada', reason: 'stop' } }],
  ['a', { type: 'resumed', fields: {} }],
  ['a', { type: 'config_reload', fields: { accepted: false, why: 'p.yaml:1:1: no' } }],
  ['a', { type: 'heartbeat', fields: {} }],
  ['a', { type: 'shutdown', fields: { status: 0 } }],
];

const LINES = [
  '2026-03-01T12:00:00Z  started   stripe        pid 7  npx server',
  '2026-03-01T12:00:10Z  allowed   list_customers  bot-1  {"limit":10}',
  '2026-03-01T12:00:20Z  allowed   create_refund   "bot 2\\u202e"  {"n":9007199254740993}',
  '2026-03-01T12:00:40Z  unknown   create_refund   "bot 2\\u202e"  nobody knows how it ended, and it stays counted  the server ended',
  '2026-03-01T12:00:50Z  denied    create_refund   bot-1  by "single refund"  {"amount":60000}',
  '2026-03-01T12:01:00Z  denied    drop            by (default deny)  {}',
  '2026-03-01T12:01:10Z  held      create_refund   by "large"  apr_1  {}',
  '2026-03-01T12:01:30Z  denied    create_refund   by ada (page)  apr_1  too much',
  '2026-03-01T12:01:40Z  denied    resources/read  by (methods)  file:///x',
  '2026-03-01T12:01:50Z  refused   duplicate_key   key "id" occurs twice',
  '2026-03-01T12:02:00Z  paused    all policies    by ada  stop',
  '2026-03-01T12:02:10Z  resumed   stripe',
  '2026-03-01T12:02:20Z  reload    stripe          not taken: p.yaml:1:1: no',
  '2026-03-01T12:02:40Z  ended     stripe          status 0',
];

/** Writes them as proxies would; answers with the folder of the files. */
function record(home: string, events = EVENTS, start = NOON): string {
  const dir = join(home, 'events');
  let now = start;
  const open = (instance: string) =>
    openFileSink({ dir, instance, clock: () => now, keyedHash: openKeyedHash(new Uint8Array(32)), args: 'redacted' });
  const sinks = { a: open('a'), b: open('b') };
  for (const sink of Object.values(sinks)) sink.use({ name: 'stripe', revision: '2b49da065dc6' });
  for (const [instance, event] of events) {
    sinks[instance].write([event]);
    now += 10_000;
  }
  for (const sink of Object.values(sinks)) sink.close();
  return dir;
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d*m`, 'g');

const homeOf = (folder: Folder) => join(folder.path, 'home');
const fileOf = (dir: string, instance: string) => join(dir, fs.readdirSync(dir).find((name) => name.includes(`-${instance}.jsonl`)) ?? '');
const linesIn = (text: string) => text.split('\n').slice(0, -1);

describe('lines for people', () => {
  test('say what happened in all processes, by time', async () => {
    using folder = openFolder();
    record(homeOf(folder));
    expect(await folder.run('log')).toEqual({ status: 0, out: `${LINES.join('\n')}\n`, err: '' });
  });

  const chosen = async (...flags: readonly string[]) => {
    using folder = openFolder();
    record(homeOf(folder));
    const { status, out, err } = await folder.run('log', ...flags);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    return linesIn(out).map((line) => line.slice('2026-03-01T'.length).split(/ {2,}/).slice(0, 3).join(' '));
  };

  test('of some tools, with how their calls ended', async () => {
    expect(await chosen('--tool', 'create_*')).toEqual([
      '12:00:20Z allowed create_refund',
      '12:00:40Z unknown create_refund',
      '12:00:50Z denied create_refund',
      '12:01:10Z held create_refund',
      '12:01:30Z denied create_refund',
    ]);
  });

  test('of some agents', async () => {
    expect(await chosen('--agent', 'bot-*')).toEqual(['12:00:10Z allowed list_customers', '12:00:50Z denied create_refund']);
  });

  test('of some agents: also methods and messages that were refused', async () => {
    await using server = await setUpRecorder();
    const policy = 'version: "1"\nmethods: {"*": allow, "resources/list": deny}\n';
    await using proxy = await startProxy({ policy, server: server.command, flags: ['--agent', 'bot-1'] });
    await proxy.client.initialize();
    await proxy.client.request('resources/list', {});
    proxy.client.sendLine('{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}');
    await proxy.untilRecords('both', (records) => records.some(({ type }) => type === 'refused'));
    using folder = openFolder(proxy.home);
    const { out } = await folder.run('log', '--denied', '--agent', 'bot-*');
    expect(linesIn(out).map((line) => line.split(/ {2,}/).slice(1, 4))).toEqual([
      ['denied', 'resources/list', 'bot-1'],
      ['refused', 'duplicate_key', 'bot-1'],
    ]);
    expect((await folder.run('log', '--denied', '--agent', 'bot-2')).out).toBe('');
  });

  test('of what was denied: calls, methods, messages, and by a human', async () => {
    const denied = ['12:00:50Z denied create_refund', '12:01:00Z denied drop', '12:01:30Z denied create_refund'];
    expect(await chosen('--denied')).toEqual([...denied, '12:01:40Z denied resources/read', '12:01:50Z refused duplicate_key']);
  });

  test('from a time on', async () => {
    expect(await chosen('--since', '2026-03-01T12:02:20')).toEqual(['12:02:20Z reload stripe', '12:02:40Z ended stripe']);
    expect(await chosen('--since', '2026-03-01T13:02:40+01:00')).toEqual(['12:02:40Z ended stripe']);
  });

  test('and why, below each that was denied or held', async () => {
    using folder = openFolder();
    record(homeOf(folder));
    const { out } = await folder.run('log', '--why', '--tool', '*r*p*');
    expect(linesIn(out)).toEqual([
      '2026-03-01T12:01:00Z  denied    drop          by (default deny)  {}',
      '                      not permitted',
      '                      default_deny: no key of `tools` lists the tool, and the default is deny',
    ]);
  });

  test.if(HAS_TERMINAL)('fit a terminal, below a line for each day, with what it came to', async () => {
    using folder = openFolder();
    record(homeOf(folder));
    record(homeOf(folder), [['a', callOf({ text: '日本'.repeat(40) }, { call: 'c', agent: 'bot-1' })]], NOON + 86_400_000);
    using person = sitAtTerminal([...interceptCommand(), 'log', '--tool', 'create_refund', '--why'], { env: folder.env });
    expect(await person.ended).toBe(0);
    const shown = person.printed().replaceAll(COLOURS, '').split('\r\n');
    const from = shown.indexOf('2026-03-01 (UTC)');
    expect(shown.slice(from, from + 11)).toEqual([
      '2026-03-01 (UTC)',
      '12:00:20  allowed   create_refund  "bot 2\\u202e"  {"n":9007199254740993}',
      '12:00:40  unknown   create_refund  "bot 2\\u202e"  nobody knows how it ended, an…',
      '12:00:50  denied    create_refund  bot-1  by "single refund"  {"amount":60000}',
      '          At most $500 (args.amount is 60000)',
      '12:01:10  held      create_refund  by "large"  apr_1  {}',
      '12:01:30  denied    create_refund  by ada (page)  apr_1  too much',
      '2026-03-02 (UTC)',
      `12:00:00  allowed   create_refund  bot-1  {"text":"${'日本'.repeat(7)}…`,
      '4 calls: 2 allowed, 1 denied, 1 held',
      'status=0.',
    ]);
  });
});

test('--json prints the records as they are, and nothing that a terminal obeys', async () => {
  using folder = openFolder();
  const dir = record(homeOf(folder));
  const raw = fs.readFileSync(fileOf(dir, 'a'), 'utf8');
  fs.appendFileSync(fileOf(dir, 'a'), '{"ts":"2026-03-02T00:00:00.000Z","type":"x","t":"\u009b31m\u202e\u007f"}\n');
  const { out } = await folder.run('log', '--json');
  const mine = linesIn(out).filter((line) => line.includes('"instance":"a"'));
  expect(`${mine.join('\n')}\n`).toBe(raw);
  expect(linesIn(out).at(-1)).toBe('{"ts":"2026-03-02T00:00:00.000Z","type":"x","t":"\\u009b31m\\u202e\\u007f"}');
  expect(linesIn(out).length).toBe(EVENTS.length + 1);
});

describe('what is missing or amiss is said', () => {
  test('no record, none since then, none that matches', async () => {
    using folder = openFolder();
    const dir = join(homeOf(folder), 'events');
    expect(await folder.run('log')).toEqual({
      status: 0,
      out: '',
      err: `no records in ${JSON.stringify(dir)}\nhelp: no proxy has run with this home yet; INTERCEPT_HOME names another\n`,
    });
    expect((await folder.run('log', '--verify')).out).toBe(`nothing to verify: no audit files in ${JSON.stringify(dir)}\n`);
    record(homeOf(folder));
    expect((await folder.run('log', '--since', '2099-01-01')).err).toStartWith('no records since 2099-01-01T00:00:00Z in ');
    const { status, out, err } = await folder.run('log', '--tool', 'create_refnd');
    expect({ status, out, err }).toEqual({
      status: 0,
      out: '',
      err: `no record matches: ${EVENTS.length} were read\nhelp: did you mean "create_refund"?\n`,
    });
  });

  test('lines that are no records, once for each file, and files that are none', async () => {
    using folder = openFolder();
    const dir = record(homeOf(folder));
    const file = fileOf(dir, 'a');
    const [first = '', ...rest] = fs.readFileSync(file, 'utf8').split('\n');
    fs.writeFileSync(file, [first, '\0\0', 'no JSON', ...rest].join('\n'));
    fs.writeFileSync(join(dir, 'long.jsonl'), `${'x'.repeat(3_000_000)}\n`);
    fs.mkdirSync(join(dir, 'folder.jsonl'));
    const { status, out, err } = await folder.run('log');
    expect({ status, out }).toEqual({ status: 1, out: `${LINES.join('\n')}\n` });
    expect(linesIn(err).sort()).toEqual(
      [
        `intercept: ${JSON.stringify(file)}: line 2 is passed over: it is no record; so is all like it in this file, see "intercept log --verify"`,
        `intercept: ${JSON.stringify(join(dir, 'long.jsonl'))}: line 1 is passed over: it is longer than any record; so is all like it in this file, see "intercept log --verify"`,
        `intercept: ${JSON.stringify(join(dir, 'folder.jsonl'))} cannot be read: it is a folder`,
        `help: see "ls -l ${dir}"`,
      ].sort(),
    );
  });

  test('a folder that is no folder, and a home of someone else', async () => {
    using folder = openFolder();
    fs.mkdirSync(homeOf(folder));
    fs.writeFileSync(join(homeOf(folder), 'events'), '');
    const refused = {
      status: 1,
      out: '',
      err: `intercept: cannot read the audit folder ${JSON.stringify(join(homeOf(folder), 'events'))}: it is no folder\nhelp: see "ls -ld ${join(homeOf(folder), 'events')}"\n`,
    };
    for (const flags of [[], ['--follow'], ['--verify']]) expect(await folder.run('log', ...flags)).toEqual(refused);
  });

  test('flags that do not fit', async () => {
    using folder = openFolder();
    for (const flags of [['--tool', 'x'], ['--follow'], ['--since', '1h'], ['--why']]) {
      const { status, err } = await folder.run('log', '--verify', ...flags);
      expect({ status, err }).toEqual({
        status: 2,
        err: `intercept: --verify checks all records, whole, and takes no "${flags[0]}"\nhelp: remove one of them\n`,
      });
    }
    expect((await folder.run('log', '--since', 'yesterday')).err).toContain('write a duration such as 30s, 2h or 7d, or a time such as');
    expect((await folder.run('log', '--since', '2026-13-01')).err).toContain('there is no such time');
    expect((await folder.run('log', '--why', '--json')).status).toBe(2);
  });
});

describe('--verify', () => {
  test('finds chains intact, and says what is no fault', async () => {
    using folder = openFolder();
    const dir = record(homeOf(folder));
    expect(await folder.run('log', '--verify')).toEqual({
      status: 0,
      out: `intact: ${EVENTS.length} records, 2 chains, 2 files in ${JSON.stringify(dir)}\n`,
      err: '',
    });
    fs.appendFileSync(fileOf(dir, 'b'), '{"ts":"2026-03');
    fs.writeFileSync(join(dir, 'left.jsonl'), '');
    const { status, out } = await folder.run('log', '--verify');
    expect({ status, out: linesIn(out) }).toEqual({
      status: 0,
      out: [
        '2026-03-01T12-00-00.000Z-b.jsonl ends within a record, as a process leaves it that is killed or still writes: no fault',
        `intact: ${EVENTS.length} records, 3 chains, 3 files (1 without a record) in ${JSON.stringify(dir)}`,
      ],
    });
  });

  test('names the first bad record of each chain', async () => {
    using folder = openFolder();
    const dir = record(homeOf(folder));
    const file = fileOf(dir, 'a');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"limit":10', '"limit":11'));
    fs.writeFileSync(join(dir, 'z\u202e.jsonl'), 'no record\n');
    const { status, out } = await folder.run('log', '--verify');
    expect({ status, out: linesIn(out) }).toEqual({
      status: 1,
      out: [
        'broken: 2026-03-01T12-00-00.000Z-a.jsonl:3: the line before was changed, removed or moved',
        'broken: z\\u202e.jsonl:1: the line is not a record',
        `2 of 3 chains broken: 3 files in ${JSON.stringify(dir)}`,
      ],
    });
    const [a, b] = linesIn((await folder.run('log', '--verify', '--json')).out).map((line) => JSON.parse(line));
    const unknown = { begins: null, records: null, last: null, torn: null };
    expect(a).toEqual({ files: [file], ok: false, ...unknown, file, line: 3, why: 'the line before was changed, removed or moved' });
    expect(b).toMatchObject({
      files: [fileOf(dir, 'b')],
      ok: true,
      begins: 1,
      records: 7,
      torn: false,
      last: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

describe('--follow', () => {
  test('goes on with new records and new processes, each once, until it is ended', async () => {
    using folder = openFolder();
    const home = homeOf(folder);
    fs.mkdirSync(home, { mode: 0o700 });
    const [command = '', ...args] = interceptCommand();
    const child = spawn(command, [...args, 'log', '--follow', '--denied'], { env: { ...folder.env, INTERCEPT_HOME: home } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
    await using recorder = await setUpRecorder();
    try {
      await until('the log waits', () => err.includes('no records in') || undefined);
      const policy = 'version: "1"\nname: demo\ndefault: deny\nmethods: {"*": allow}\ntools: {echo: [{name: few, rate_limit: 1/hour}]}\n';
      for (const agent of ['first', 'second']) {
        await using proxy = await startProxy({ policy, server: recorder.command, home, flags: ['--agent', agent] });
        await proxy.client.initialize();
        for (const tool of ['echo', 'echo', 'other']) await proxy.client.request('tools/call', { name: tool, arguments: {} });
        await until(`${agent} in the log`, () => out.includes(`other         ${agent}`) || undefined);
      }
      child.kill('SIGINT');
      expect(await ended).toBe(0);
      expect(linesIn(out).map((line) => line.split(/ {2,}/).slice(1, 4).join(' '))).toEqual([
        'denied echo first',
        'denied other first',
        'denied echo second',
        'denied echo second',
        'denied other second',
      ]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
