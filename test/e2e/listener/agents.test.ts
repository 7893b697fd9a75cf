/** wire.md §2.7, §2.13: whom the listener remembers, when more credentials are brought to it than it can keep. */
import { expect, test } from 'bun:test';
import { type Agent, createAgents } from '../../../src/serve/listener/agents.ts';
import { openRig } from '../../proxy/fixture.ts';

const POLICY = 'version: "1"\ntools:\n  t: {rules: []}\n';
const bringing = (token: string) => ['Authorization', `Bearer ${token}`];

test('invented credentials make nobody lose a task, or a stream', async () => {
  const rig = await openRig({ policy: POLICY });
  const busy = new Set<Agent>();
  const agents = createAgents({ ...rig, name: undefined, passed: true, inUse: (agent) => busy.has(agent) });
  const [idle, tasked, listening] = ['idle', 'tasked', 'listening'].map((token) => agents.of(bringing(token)));
  tasked?.shared.ownTasks.add('task-1');
  if (listening) busy.add(listening);
  for (let i = 0; i < 3_000; i++) agents.of(bringing(`invented ${i}`));
  expect(agents.of(bringing('tasked')) === tasked).toBe(true);
  expect(agents.of(bringing('listening')) === listening).toBe(true);
  expect(agents.of(bringing('idle')) === idle).toBe(false);
  expect([...agents.all()].length).toBeLessThanOrEqual(1_024);
});

test('wire.md §5: invented credentials make nobody forgotten whose own the upstream took', async () => {
  const rig = await openRig({ policy: POLICY });
  const agents = createAgents({ ...rig, name: undefined, passed: true, inUse: () => false });
  const known = agents.of(bringing('known'));
  known.isAccepted = true;
  const tasked = agents.of(bringing('tasked'));
  tasked.isAccepted = true;
  tasked.shared.ownTasks.add('task-1');
  for (let i = 0; i < 3_000; i++) agents.of(bringing(`invented ${i}`));
  expect(agents.of(bringing('known')) === known).toBe(true);
  for (let i = 0; i < 3_000; i++) agents.of(bringing(`other ${i}`)).isAccepted = true;
  expect(agents.of(bringing('known')) === known).toBe(false);
  expect(agents.of(bringing('tasked')) === tasked).toBe(true);
});

test('where all hold something the oldest is forgotten', async () => {
  const rig = await openRig({ policy: POLICY });
  const agents = createAgents({ ...rig, name: undefined, passed: true, inUse: () => false });
  const first = agents.of(bringing('first'));
  for (let i = 0; i < 1_024; i++) agents.of(bringing(`${i}`)).shared.ownTasks.add(`task-${i}`);
  expect(agents.of(bringing('first')) === first).toBe(false);
  expect([...agents.all()]).toHaveLength(1_024);
});

test('whoever asks while all others are busy is one agent, and stays it', async () => {
  const rig = await openRig({ policy: POLICY });
  const busy = new Set<Agent>();
  const agents = createAgents({ ...rig, name: undefined, passed: true, inUse: (agent) => busy.has(agent) });
  for (let i = 0; i < 1_024; i++) busy.add(agents.of(bringing(`${i}`)));
  const asking = agents.of(bringing('asking'));
  expect(agents.of(bringing('asking')) === asking).toBe(true);
});

test('a credential that is written otherwise is no other agent; another one is (policy.md §12)', async () => {
  const rig = await openRig({ policy: POLICY });
  const agents = createAgents({ ...rig, name: undefined, passed: true, inUse: () => false });
  const agent = agents.of(['Authorization', 'Bearer aB c']);
  for (const same of ['bearer aB c', 'BEARER   aB c', 'Bearer\taB c', ' Bearer \t aB c '])
    expect(agents.of(['authorization', same]) === agent).toBe(true);
  for (const other of ['Bearer ab c', 'Bearer aB  c', 'Basic aB c', 'BeareraB c', 'aB c'])
    expect(agents.of(['authorization', other]) === agent).toBe(false);
});

test('a payment beside a credential is no part of it (policy.md §8, §12)', async () => {
  const rig = await openRig({ policy: POLICY });
  const agents = createAgents({ ...rig, name: undefined, passed: true, inUse: () => false });
  const of = (authorization: string) => agents.of(['authorization', authorization]);
  const agent = of('Bearer a');
  for (const same of [
    'Bearer a, Payment eyJh',
    'Bearer a, Payment eyJi',
    'Payment eyJh,Bearer a',
    'bearer a , PAYMENT id="1", request="e30"',
    'Bearer a, payment',
  ])
    expect(of(same) === agent).toBe(true);
  for (const nobody of ['Payment eyJh', 'Payment id="1", request="e30"', 'payment', 'Payment a, Payment b'])
    expect(of(nobody) === of('')).toBe(true);
  for (const other of ['Bearer b, Payment eyJh', 'Bearer payment', 'Digest username="a", realm="payment", nonce="1"'])
    expect([of(other) === agent, of(other) === of('')]).toEqual([false, false]);
});
