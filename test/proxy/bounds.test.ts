/** What one agent can make the proxy keep (wire.md §2.13). */
import { expect, test } from 'bun:test';
import { NO_HOLDING } from '../../src/engine/arrival.ts';
import { CONTINUE_WITHIN, createContinuations, MAX_WAITING } from '../../src/proxy/calls/continuations.ts';
import { createTasks, MAX_TASKS } from '../../src/proxy/calls/tasks.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { META, OK, openRig, type Responder, START, verdict } from './fixture.ts';

const LARGE = 'x'.repeat(16 * 1024 * 1024);
const call = (id: number | undefined, args: object = {}, name = 't') => ({
  jsonrpc: '2.0',
  ...(id !== undefined && { id }),
  method: 'tools/call',
  params: { name, arguments: args },
});
const sent = (id: string) => ({ id, holding: NO_HOLDING, sentAt: 0 });
const LIMIT = 'version: "1"\ntools:\n  t: {rules: [{rate_limit: 100/hour}]}\n';
const VALIDATE = 'version: "1"\ntools:\n  t: {rules: [{validate: {schema: true}}]}\n';
const T = { name: 't', inputSchema: { type: 'object' } };

test('64 MiB may wait to be judged: beyond, requests are answered, the rest is dropped, and later there is room again', async () => {
  const open = Promise.withResolvers<void>();
  const store = openMemoryStore({ clock: () => START, namespace: 'test' });
  const slow = { ...store, reserve: (calls: Parameters<typeof store.reserve>[0]) => open.promise.then(() => store.reserve(calls)) };
  const rig = await openRig({ policy: LIMIT, store: slow, agent: 'bot' });
  const sending = [1, 2, 3].map((id) => rig.send(call(id, { text: LARGE })));
  sending.push(rig.send(call(4, { text: LARGE })), rig.send(call(undefined, { text: LARGE })), rig.send(call(5)));
  expect(rig.answersTo(4).map(verdict)).toEqual(['error -32600']);
  open.resolve();
  await Promise.all(sending);
  expect(rig.executed().length).toBe(4);
  expect(rig.answersTo(4).length).toBe(1);
  const refused = rig.events.filter((event) => event.type === 'refused');
  expect(refused.map((event) => 'fields' in event && event.fields['agent'])).toEqual(['bot', 'bot']);
  await rig.send(call(4, { text: LARGE }));
  expect(rig.executed().length).toBe(5);
});

test('one message of more than that is taken where it waits alone', async () => {
  const rig = await openRig({ policy: LIMIT });
  await rig.send(call(1, { text: LARGE.repeat(4) }));
  expect(rig.executed().length).toBe(1);
});

test('calls that are set aside count as well, until they are judged', async () => {
  let list: unknown;
  const respond: Responder = ({ method, id }) => {
    if (method === 'tools/list') list = id;
    return undefined;
  };
  const rig = await openRig({ policy: VALIDATE, respond });
  const sending = [1, 2, 3, 4].map((id) => rig.send(call(id, { text: LARGE })));
  while (list === undefined || rig.session.backlog().agent > 0) await new Promise(setImmediate);
  expect(rig.answersTo(4).map(verdict)).toEqual(['error -32600']);
  await rig.say({ jsonrpc: '2.0', id: list, result: { tools: [T] } });
  await Promise.all(sending);
  expect(rig.executed().length).toBe(3);
  await rig.send(call(4, { text: LARGE }));
  expect(rig.executed().length).toBe(4);
});

test('256 calls wait for the tool list, with or without an id', async () => {
  let list: unknown;
  const respond: Responder = ({ method, id }) => {
    if (method === 'tools/list') list = id;
    return undefined;
  };
  const rig = await openRig({ policy: VALIDATE, respond });
  const sending = rig.send(...Array.from({ length: 300 }, () => call(undefined)), call(1));
  while (list === undefined || rig.session.backlog().agent > 0) await new Promise(setImmediate);
  expect(rig.answersTo(1).map(verdict)).toEqual(['error -32600']);
  await rig.say({ jsonrpc: '2.0', id: list, result: { tools: [T] } });
  await sending;
  expect(rig.executed().length).toBe(256);
  expect(rig.events.filter(({ type }) => type === 'refused').length).toBe(45);
  await rig.send(call(1));
  expect(rig.executed().length).toBe(257);
});

test('wire.md §2.12: 1,024 calls wait for a continuation; beyond, the outcome of the oldest is unknown', async () => {
  const rig = await openRig({ policy: LIMIT, respond: () => ({ result: { resultType: 'input_required', requestState: 's' } }) });
  for (let n = 0; n <= MAX_WAITING; n++) await rig.call('u', { n }, { _meta: META });
  expect(rig.outcomes()).toMatchObject([{ call: rig.calls()[0]?.call, result: 'kept', error: 'too many calls wait for a continuation' }]);
});

test('wire.md §2.11: 1,024 tasks are followed; beyond, the outcome of the oldest is unknown', async () => {
  let task = 0;
  const respond: Responder = ({ method }) => ({
    result: method === 'tools/call' ? { task: { taskId: `task${task++}`, status: 'working' } } : OK,
  });
  const rig = await openRig({ policy: LIMIT, respond });
  for (let n = 0; n <= MAX_TASKS; n++) await rig.call('u', { n }, { task: {} });
  expect(rig.outcomes()).toMatchObject([{ call: rig.calls()[0]?.call, result: 'kept', error: 'too many tasks are under way' }]);
  await rig.request('tasks/result', { taskId: 'task1' });
  expect(rig.outcomes().map(({ result }) => result)).toEqual(['kept', 'committed']);
});

test('legs of the same key are continued in the order in which they began, expired ones never', () => {
  const continuations = createContinuations();
  continuations.keep('k', sent('a'), 0);
  continuations.keep('k', sent('b'), 1);
  continuations.keep('k', sent('c'), 2);
  continuations.keep('other', sent('d'), 3);
  expect(continuations.take('k', CONTINUE_WITHIN)?.id).toBe('b');
  expect(continuations.expired(CONTINUE_WITHIN).map(({ id }) => id)).toEqual(['a']);
  expect([continuations.take('k', 3)?.id, continuations.take('k', 3)]).toEqual(['c', undefined]);
  expect(continuations.drain().map(({ id }) => id)).toEqual(['d']);
  expect(continuations.size).toBe(0);
});

test('a task whose id is given away again begins anew', () => {
  const tasks = createTasks();
  for (let n = 0; n < MAX_TASKS; n++) tasks.keep(`t${n}`, sent(`c${n}`));
  expect(tasks.keep('t0', sent('again'))).toEqual({ replaced: sent('c0'), oldest: undefined });
  expect(tasks.keep('new', sent('new')).oldest).toEqual(sent('c1'));
});
