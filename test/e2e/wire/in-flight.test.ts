/** What happens while requests are in flight (wire.md §2.7, §2.13): ids used again, cancelled calls, too many at once. */
import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAnswer, type RawClient } from '../../harness/client.ts';
import { decisionOf, textOf } from '../../harness/message.ts';
import { startProxy } from '../../harness/proxy.ts';
import { type Recorder, setUpRecorder } from '../../harness/recorder.ts';

const POLICY = `version: "1"
default: deny
tools:
  slow: {rules: [{rate_limit: 2/day}]}
  free: {rules: []}
`;

/** `slow` answers once the file `go` is there; its answers say which arguments they are for. */
async function start() {
  const recorder = await setUpRecorder({ version: '2025-11-25' });
  await writeFile(
    join(recorder.folder, 'recorder.json'),
    JSON.stringify({
      ledger: join(recorder.folder, 'ledger.jsonl'),
      tools: [{ name: 'slow', behaviour: { do: 'await_file', path: join(recorder.folder, 'go') } }, { name: 'free' }, { name: 'danger' }],
    }),
  );
  const proxy = await startProxy({ policy: POLICY, server: recorder.command });
  await proxy.client.initialize();
  return {
    recorder,
    proxy,
    client: proxy.client,
    go: () => writeFile(join(recorder.folder, 'go'), ''),
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await recorder[Symbol.asyncDispose]();
    },
  };
}

const slow = (id: unknown, n: number, name = 'slow') =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tools/call","params":{"name":"${name}","arguments":{"n":${n}}}}`;

const cancel = (id: unknown) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });

function answersTo(client: RawClient, id: string | number) {
  return client.frames.filter((frame) => isAnswer(frame, id)).map(({ json }) => json);
}

async function executedNames(recorder: Recorder): Promise<readonly string[]> {
  return (await recorder.executed()).map(({ tool }) => tool);
}

test.each([
  ['in two writes', '\n'],
  ['in one write', ''],
])('an id in flight is refused, and 1 is not "1": %s', async (_, between) => {
  await using s = await start();
  const lines = [slow(1, 1), slow(1, 2), slow('1', 3), slow(1, 4, 'danger'), '{"jsonrpc":"2.0","id":1,"method":"ping"}'];
  if (between) for (const line of lines) s.client.sendLine(line);
  else s.client.send(`${lines.join('\n')}\n`);
  await s.recorder.untilExecuted(2);
  expect((await s.client.request('tools/call', { name: 'free' })).error).toBeUndefined();
  expect(answersTo(s.client, 1).map((answer) => answer?.error?.code)).toEqual([-32600, -32600, -32600]);
  await s.go();
  expect(textOf((await s.client.next((frame) => isAnswer(frame, 1) && frame.json?.result !== undefined)).json ?? {})).toBe('{"n":1}');
  expect(textOf((await s.client.next((frame) => isAnswer(frame, '1'))).json ?? {})).toBe('{"n":3}');
  expect(await executedNames(s.recorder)).toEqual(['slow', 'slow', 'free']);
  expect((await s.proxy.records()).filter(({ reason }) => reason === 'id_in_flight').length).toBe(3);
});

test('numbers that a double takes for one another are one id', async () => {
  await using s = await start();
  s.client.send(`${slow(1, 1).replace('"id":1', '"id":9007199254740992')}\n${slow(1, 2).replace('"id":1', '"id":9007199254740993')}\n`);
  const refused = await s.client.next((frame) => frame.json?.error !== undefined);
  expect(refused.text).toContain('"id":9007199254740993');
  await s.go();
  await s.client.next((frame) => frame.text.includes('"id":9007199254740992'));
  expect(await executedNames(s.recorder)).toEqual(['slow']);
});

test('the id of a cancelled call cannot be used before its late answer, which settles nothing more (policy.md §6)', async () => {
  await using s = await start();
  s.client.sendLine(slow('c', 1));
  await s.recorder.untilExecuted(1);
  s.client.sendLine(cancel('c'));
  s.client.sendLine(slow('c', 2));
  expect((await s.client.next((frame) => isAnswer(frame, 'c'))).json?.error?.code).toBe(-32600);
  await s.go();
  await s.client.request('tools/call', { name: 'slow', arguments: { n: 3 } });
  const isOutcome = ({ type }: { type: string }) => type === 'outcome';
  const records = await s.proxy.untilRecords('both outcomes', (found) => found.filter(isOutcome).length === 2);
  expect(records.filter(isOutcome).map(({ result }) => result)).toEqual(['kept', 'committed']);
  const third = await s.client.request('tools/call', { name: 'slow', arguments: { n: 4 } });
  expect(decisionOf(third)?.code).toBe('rate_limit');
});

test('a call cancelled in the write that asks for it is answered by nobody, and the session lives on', async () => {
  await using s = await start();
  s.client.send(`${slow('c', 1)}\n${JSON.stringify(cancel('c'))}\n${slow('d', 2, 'danger')}\n`);
  expect(decisionOf((await s.client.next((frame) => isAnswer(frame, 'd'))).json ?? {})?.outcome).toBe('denied');
  await s.go();
  expect((await s.client.request('tools/call', { name: 'free' })).error).toBeUndefined();
  expect(await executedNames(s.recorder)).not.toContain('danger');
});

test('cancelling a call of somebody else, of the proxy or of nobody changes nothing', async () => {
  await using s = await start();
  s.client.sendLine(slow('c', 1));
  for (const id of ['nobody', 'intercept-0-1', '__proto__', 0, 1.5, null, { a: 1 }]) s.client.sendLine(cancel(id));
  await s.go();
  expect(textOf((await s.client.next((frame) => isAnswer(frame, 'c'))).json ?? {})).toBe('{"n":1}');
});

test.each([
  ['one by one', false],
  ['in one write', true],
])('256 calls in flight are waited for, the next is refused, and then there is room again (§2.13): %s', async (_, atOnce) => {
  await using s = await start();
  await s.proxy.edit('version: "1"\ndefault: deny\ntools:\n  slow: {rules: []}\n  free: {rules: []}\n');
  await s.proxy.untilRecords('reload', (records) => records.some(({ type }) => type === 'config_reload'));
  const lines = Array.from({ length: 258 }, (_, n) => slow(n, n));
  if (atOnce) s.client.send(`${lines.join('\n')}\n`);
  else for (const line of lines) s.client.sendLine(line);
  for (const id of [256, 257]) expect((await s.client.next((frame) => isAnswer(frame, id))).json?.error?.code).toBe(-32600);
  expect((await s.recorder.untilExecuted(256)).length).toBe(256);
  await s.go();
  await Promise.all(lines.slice(0, 256).map((_, id) => s.client.next((frame) => isAnswer(frame, id))));
  expect((await s.client.request('tools/call', { name: 'free' })).error).toBeUndefined();
});
