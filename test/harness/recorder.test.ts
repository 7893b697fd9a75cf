import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textOf } from './message.ts';
import { modern } from './modern.ts';
import { startServer } from './proxy.ts';
import type { Behaviour, RecorderConfig } from './recorder/config.ts';
import { setUpRecorder } from './recorder.ts';

/** Starts a recorder without a proxy, with one tool that behaves so. */
async function start(behaviour: Behaviour, config: Partial<RecorderConfig> = {}) {
  const recorder = await setUpRecorder({ ...config, tools: [{ name: 't', behaviour }] });
  const client = startServer(recorder.command);
  return {
    recorder,
    client,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await recorder[Symbol.asyncDispose]();
    },
  };
}

describe('readers: a bypass is executed by the reader that it is made for (wire.md §2)', () => {
  const call = (name: string) => `{"jsonrpc":"2.0","method":"tools/call","params":{${name},"arguments":{}},"id":1}`;
  const cases: [string, Partial<RecorderConfig>, string, string[]][] = [
    ['last duplicate', { reader: 'last' }, call('"name":"a","name":"b"'), ['b']],
    ['first duplicate', { reader: 'first' }, call('"name":"a","name":"b"'), ['a']],
    ['escaped duplicate', { reader: 'first' }, call('"name":"a","n\\u0061me":"b"'), ['a']],
    ['folded key', { reader: 'fold' }, call('"name":"a","Name":"b"').replace('params', 'paramſ'), ['b']],
    ['two values in a line', { reader: 'first' }, `${call('"name":"a"')}${call('"name":"b"')}`, ['a', 'b']],
    ['carriage return as line end', { framing: 'any' }, `{}\r${call('"name":"b"')}`, ['b']],
    ['NaN', { reader: 'last' }, call('"name":"a","x":NaN'), ['a']],
    ['batch', {}, `[${call('"name":"a"')},${call('"name":"b"')}]`, ['a', 'b']],
  ];
  for (const [name, config, line, tools] of cases) {
    test(name, async () => {
      await using recorder = await setUpRecorder(config);
      await using client = startServer(recorder.command);
      client.sendLine(line);
      expect((await recorder.untilExecuted(tools.length)).map((entry) => entry.tool)).toEqual(tools);
    });
  }
});

test('an unknown tool, an error, isError and raw lines come out as configured', async () => {
  const steps: Behaviour[] = [
    { do: 'error', code: -32001, message: 'no', data: { a: 1 } },
    { do: 'is_error', text: 'bad' },
    { do: 'raw', lines: ['not json', '{"jsonrpc":"2.0","id":$ID,"result":{"x":1e400}}'] },
    { do: 'huge', bytes: 100_000 },
  ];
  await using s = await start({ do: 'sequence', steps });
  await s.client.initialize();
  expect((await s.client.request('tools/call', { name: 'nope' })).error?.code).toBe(-32602);
  expect((await s.client.request('tools/call', { name: 't' })).error).toEqual({ code: -32001, message: 'no', data: { a: 1 } });
  expect((await s.client.request('tools/call', { name: 't' })).result.isError).toBe(true);
  const raw = await s.client.request('tools/call', { name: 't' });
  expect(s.client.frames.at(-1)?.text).toBe(`{"jsonrpc":"2.0","id":${JSON.stringify(raw.id)},"result":{"x":1e400}}`);
  expect((await s.client.next()).text).toBe('not json');
  expect(textOf(await s.client.request('tools/call', { name: 't' })).length).toBe(100_000);
});

test('the server asks the client and hears its answer (sampling, elicitation, roots)', async () => {
  await using s = await start({ do: 'ask_client', method: 'roots/list' });
  await s.client.initialize();
  const answered = s.client.request('tools/call', { name: 't' });
  const asked = await s.client.next((frame) => frame.json?.method === 'roots/list');
  s.client.sendLine({ jsonrpc: '2.0', id: asked.json?.id, result: { roots: [] } });
  expect(JSON.parse(textOf(await answered)).result).toEqual({ roots: [] });
});

test('2026-07-28: a call asks for input once, then goes on; results carry resultType', async () => {
  await using s = await start({ do: 'input_required', requestState: 's1' }, { era: 'dual' });
  expect((await s.client.request('server/discover', modern())).result.resultType).toBe('complete');
  const first = await s.client.request('tools/call', modern({ name: 't' }));
  expect(first.result).toEqual({ resultType: 'input_required', requestState: 's1' });
  const second = await s.client.request('tools/call', modern({ name: 't', requestState: 's1' }));
  expect(second.result.resultType).toBe('complete');
});

test('tasks: 2025-11-25 nested and asked for, 2026-07-28 flat and by extension', async () => {
  await using s = await start({ do: 'task', end: { status: 'completed', polls: 2 }, notify: true }, { era: 'dual' });
  await s.client.initialize();
  expect((await s.client.request('tools/call', { name: 't' })).result.task).toBeUndefined();
  const { taskId } = (await s.client.request('tools/call', { name: 't', task: {} })).result.task;
  expect((await s.client.request('tasks/get', { taskId })).result.status).toBe('working');
  expect((await s.client.request('tasks/get', { taskId })).result.status).toBe('completed');
  expect(textOf(await s.client.request('tasks/result', { taskId }))).toBe('task-1 is done');
  const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
  const flat = (await s.client.request('tools/call', modern({ name: 't' }, capabilities))).result;
  expect(flat).toMatchObject({ resultType: 'task', taskId: 'task-2', status: 'working' });
  await s.client.request('tasks/get', modern({ taskId: 'task-2' }));
  const got = await s.client.request('tasks/get', modern({ taskId: 'task-2' }));
  expect(got.result.result.content[0].text).toBe('task-2 is done');
});

test('lists come in pages, change, and tell their listeners', async () => {
  const tools = ['a', 'b', 'c'].map((name) => ({ name, behaviour: { do: 'change_list', add: { name: 'd' } } as const }));
  await using recorder = await setUpRecorder({ era: 'dual', tools, pageSize: 2 });
  await using client = startServer(recorder.command);
  const first = (await client.request('tools/list', modern())).result;
  expect([first.tools.length, first.nextCursor, first.ttlMs]).toEqual([2, '2', 0]);
  expect((await client.request('tools/list', modern({ cursor: '2' }))).result.tools.length).toBe(1);
  client.sendLine({
    jsonrpc: '2.0',
    id: 'L',
    method: 'subscriptions/listen',
    params: modern({ notifications: { toolsListChanged: true } }),
  });
  await client.next((frame) => frame.json?.method === 'notifications/subscriptions/acknowledged');
  await client.request('tools/call', modern({ name: 'a' }));
  const told = await client.next((frame) => frame.json?.method === 'notifications/tools/list_changed');
  expect(told.json?.params._meta['io.modelcontextprotocol/subscriptionId']).toBe('L');
});

test('a call waits for a file, reports progress, and an exit ends the process with its status', async () => {
  await using recorder = await setUpRecorder();
  const file = join(recorder.folder, 'go');
  const behaviour: Behaviour = { do: 'progress', steps: 2, next: { do: 'await_file', path: file, next: { do: 'exit', status: 7 } } };
  await using s = await start(behaviour, { banner: ['hello'] });
  expect((await s.client.next()).text).toBe('hello');
  s.client.sendLine({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', _meta: { progressToken: 'p' } } });
  await s.client.next((frame) => frame.json?.params?.progress === 2);
  await Bun.write(file, '');
  expect(await s.client.exited).toEqual({ code: 7, signal: null });
  expect((await readFile(join(s.recorder.folder, 'ledger.jsonl'), 'utf8')).split('\n').length).toBe(3);
});
