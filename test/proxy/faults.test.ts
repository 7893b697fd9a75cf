/** House.md §5: the n-th operation of the store, the audit or a wire fails, for every n (I3, I4, I9). */
import { describe, expect, test } from 'bun:test';
import { AuditError, type AuditSink } from '../../src/core/audit.ts';
import { type Records, type Store, StoreError } from '../../src/core/store.ts';
import type { FrameBytes } from '../../src/mcp/messages/frame.ts';
import type { SessionOutput } from '../../src/proxy/exchange.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { handshake, type Message, OK, openRig, type Rig, START } from './fixture.ts';

const LIMIT = 3;
const POLICY = `
version: "1"
tools:
  pay:
    rules:
      - {name: cap, rate_limit: ${LIMIT}/hour}
  held:
    rules:
      - {name: ask, action: require_approval}
  checked:
    rules:
      - {name: fits, validate: {schema: true}}
`;

/** Lets all operations pass but the n-th; 0 counts only. */
interface Faults {
  /** Not before the handshake is over: a session whose revision is unknown takes no batches. */
  armed: boolean;
  seen: number;
  hit: string | undefined;
  pass(what: string): boolean;
}

function failAt(n: number): Faults {
  const faults: Faults = {
    armed: false,
    seen: 0,
    hit: undefined,
    pass(what) {
      if (!faults.armed) return true;
      faults.seen += 1;
      if (faults.seen === n) faults.hit = what;
      return faults.seen !== n;
    },
  };
  return faults;
}

function failingStore(store: Store & Records, faults: Faults, fault: () => Error): Store & Records {
  return {
    ...store,
    reserve: async (calls) => {
      if (!faults.pass('reserve')) throw fault();
      return store.reserve(calls);
    },
    settle: async (settlements) => {
      if (!faults.pass('settle')) throw fault();
      return store.settle(settlements);
    },
  };
}

function failingAudit(sink: AuditSink, faults: Faults, fault: () => Error): AuditSink {
  return {
    ...sink,
    write(events) {
      if (!faults.pass('audit')) throw fault();
      sink.write(events);
    },
  };
}

/** `late`: the frames arrive all the same, and then it fails. */
function failingOutput(output: SessionOutput, faults: Faults, late: boolean, lost: Set<unknown>): SessionOutput {
  const write = (what: string, go: () => void, lose: () => void) => {
    if (faults.pass(what)) return go();
    if (late) go();
    else lose();
    throw new Error('EPIPE');
  };
  return {
    toServer: (frames) =>
      write(
        'to the server',
        () => output.toServer(frames),
        () => {},
      ),
    toAgent: (frames, exchange) =>
      write(
        'to the agent',
        () => output.toAgent(frames, exchange),
        () => {
          for (const frame of frames) for (const id of idsOf(frame)) lost.add(id);
        },
      ),
  };
}

function idsOf(frame: FrameBytes): unknown[] {
  const parsed = JSON.parse(typeof frame === 'string' ? frame : new TextDecoder().decode(frame)) as Message | Message[];
  return [parsed].flat().map(({ id }) => id);
}

const call = (id: number, name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

/** Every kind of request, alone and together, with failing tools among them. */
async function conversation(rig: Rig, faults: Faults): Promise<number[]> {
  await handshake(rig, '2025-03-26');
  faults.armed = true;
  await rig.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  await rig.send(call(2, 'pay'));
  await rig.send(call(3, 'pay', { fail: true }), call(4, 'pay'), { jsonrpc: '2.0', id: 5, method: 'resources/read', params: { uri: 'a' } });
  await rig.send(call(6, 'held'), call(7, 'checked'), call(8, 'pay', { fail: true }));
  await rig.send(JSON.stringify([call(9, 'pay'), call(10, 'held'), call(11, 'pay')]));
  await rig.send('{broken', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'pay', arguments: {} } });
  await rig.send(call(12, 'pay'), call(13, 'pay', { silent: true }));
  return Array.from({ length: 13 }, (_, index) => index + 1);
}

function respond({ method, params }: Message): object | undefined {
  if (method === 'initialize') return { result: { protocolVersion: '2025-03-26', capabilities: { tools: {} }, serverInfo: {} } };
  if (method === 'tools/list') return { result: { tools: [{ name: 'checked', inputSchema: { type: 'object' } }] } };
  if (params?.arguments?.silent) return undefined;
  if (params?.arguments?.fail) return { result: { ...OK, isError: true } };
  return { result: method === 'tools/call' ? OK : {} };
}

async function run(n: number, late: boolean, ours: boolean): Promise<Faults> {
  const faults = failAt(n);
  const lost = new Set<unknown>();
  const unrecorded: Message[] = [];
  const rig: Rig = await openRig({
    policy: POLICY,
    store: failingStore(openMemoryStore({ clock: () => START, namespace: 'test' }), faults, () =>
      ours ? new StoreError('gone') : new TypeError('boom'),
    ),
    wrapAudit: (sink) => failingAudit(sink, faults, () => (ours ? new AuditError('full') : new TypeError('boom'))),
    wrapOutput: (output) => failingOutput(output, faults, late, lost),
    respond: (request) => {
      const recorded = rig.calls().some(({ requestId, result }) => requestId === JSON.stringify(request.id) && result === 'allowed');
      if (request.method === 'tools/call' && !recorded) unrecorded.push(request);
      return respond(request);
    },
  });
  const requests = await conversation(rig, faults);
  await rig.session.end('the server ended');
  const where = `operation ${n} (${faults.hit ?? 'none'})`;
  expect({ where, unrecorded }).toEqual({ where, unrecorded: [] });
  for (const id of requests) {
    const answers = rig.answersTo(id).length;
    expect({ where, id, answers }).toEqual({ where, id, answers: lost.has(id) ? 0 : 1 });
  }
  const paid = rig.server.filter(({ method, params }) => method === 'tools/call' && params.name === 'pay' && !params.arguments.fail);
  expect(paid.length).toBeLessThanOrEqual(LIMIT);
  const settled = rig.outcomes().map(({ call: settledCall }) => settledCall);
  expect({ where, twice: settled.length - new Set(settled).size }).toEqual({ where, twice: 0 });
  return faults;
}

describe.each([
  { late: false, ours: true, title: 'a failing part did nothing' },
  { late: true, ours: true, title: 'a wire fails after the frames went out' },
  { late: false, ours: false, title: 'a fault nobody foresaw' },
])('$title', ({ late, ours }) => {
  test('I3, I4, I9: each request has one answer, nothing unrecorded is sent, the limit holds, whichever operation fails', async () => {
    const total = (await run(0, late, ours)).seen;
    expect(total).toBeGreaterThan(30);
    for (let n = 1; n <= total; n++) expect((await run(n, late, ours)).hit).toBeString();
  }, 60_000);
});

test('without a fault the conversation goes as the policy says', async () => {
  const rig = await openRig({ policy: POLICY, respond });
  await conversation(rig, failAt(0));
  expect(rig.executed()).toEqual(['pay', 'pay', 'pay', 'pay', 'checked', 'pay']);
  expect(await rig.counted()).toEqual([LIMIT]);
});
