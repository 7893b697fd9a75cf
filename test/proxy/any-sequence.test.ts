/** Any sequence of frames, from both sides: every request gets exactly one answer (I9). */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Records, Store } from '../../src/core/store.ts';
import { openMemoryStore } from '../../src/state/memory.ts';
import { lines, type Message, OK, openRig, type Rig, START } from './fixture.ts';

const POLICY = `
version: "1"
tools:
  free: {rules: []}
  few: {rules: [{rate_limit: 2/hour}]}
  never: {rules: [{action: deny}]}
  ask: {rules: [{action: require_approval}]}
  checked: {rules: [{validate: {schema: true}}]}
methods: {"resources/*": deny}
`;

const id = fc.integer({ min: 1, max: 6 });
const tool = fc.constantFrom('free', 'few', 'never', 'ask', 'checked');
const request = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ jsonrpc: fc.constant('2.0'), id, method: fc.constant('tools/call'), params: fc.record({ name: tool }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      jsonrpc: fc.constant('2.0'),
      id,
      method: fc.constantFrom('ping', 'tools/list', 'resources/read', 'prompts/get', 'tasks/get'),
    }),
  },
  // A call that cannot be read is a request all the same.
  {
    weight: 1,
    arbitrary: fc.record({ jsonrpc: fc.constant('2.0'), id, method: fc.constant('tools/call'), params: fc.constant({ name: 7 }) }),
  },
);
const note = fc.oneof(
  fc.record({
    jsonrpc: fc.constant('2.0'),
    method: fc.constant('notifications/cancelled'),
    params: fc.record({ requestId: id }),
  }),
  fc.record({ jsonrpc: fc.constant('2.0'), method: fc.constant('tools/call'), params: fc.record({ name: tool }) }),
);
const agentFrame = fc.oneof(
  { weight: 5, arbitrary: request },
  { weight: 1, arbitrary: note },
  { weight: 1, arbitrary: fc.array(request, { minLength: 1, maxLength: 4 }) },
);
const ANSWERS = [
  { result: OK },
  { result: { ...OK, isError: true } },
  { error: { code: -32000, message: 'no' } },
  { result: { resultType: 'input_required' } },
  { result: { resultType: 'task', taskId: 'a' } },
  { result: { tools: [{ name: 'checked', inputSchema: {} }] } },
  { result: { tools: 7 } },
  { result: { isError: 'maybe' } },
  { neither: true },
];

type Step =
  | { readonly kind: 'agent'; readonly frames: readonly object[] }
  | { readonly kind: 'answer'; readonly which: number; readonly how: number; readonly twice: boolean }
  | { readonly kind: 'quiet' }
  | { readonly kind: 'turn' };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('agent' as const), frames: fc.array(agentFrame, { minLength: 1, maxLength: 5 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which: fc.nat(20),
      how: fc.nat(ANSWERS.length - 1),
      twice: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('quiet' as const, 'turn' as const) }) },
);

/** A store that answers in a later turn of the event loop, as one in a file does: what comes meanwhile piles up. */
function slowly(store: Store & Records): Store & Records {
  return {
    ...store,
    reserve: (calls) => turn().then(() => store.reserve(calls)),
    settle: (settlements) => turn().then(() => store.settle(settlements)),
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** The server answers one of the requests that it got and did not answer. */
function answerOne(rig: Rig, open: Set<Message>, { which, how, twice }: Extract<Step, { kind: 'answer' }>): void {
  for (const message of rig.server) if (message.id !== undefined && !('answered' in message)) open.add(message);
  const found = [...open][which % Math.max(open.size, 1)];
  if (!found) return;
  Object.assign(found, { answered: true });
  open.delete(found);
  const text = { jsonrpc: '2.0', id: found.id, ...ANSWERS[how] };
  rig.session.fromServer(lines(twice ? [text, text] : [text]));
}

test('I9: every request gets one answer, in any sequence of frames, answers and cancellations, in any lots', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), fc.boolean(), async (steps, batches, slow) => {
      const store = openMemoryStore({ clock: () => START, namespace: 'test' });
      const rig = await openRig({ policy: POLICY, timeouts: { listing: 5 }, store: slow ? slowly(store) : store });
      const version = batches ? '2025-03-26' : '2025-11-25';
      rig.session.fromAgent(lines([{ jsonrpc: '2.0', id: 'init', method: 'initialize', params: { protocolVersion: version } }]));
      await rig.session.agentIdle();
      await rig.say({ jsonrpc: '2.0', id: 'init', result: { protocolVersion: version } });
      const open = new Set<Message>();
      const sent: Message[] = [];
      for (const one of steps) {
        if (one.kind === 'quiet') await rig.idle();
        else if (one.kind === 'answer') answerOne(rig, open, one);
        else if (one.kind === 'turn') await turn();
        else {
          rig.session.fromAgent(lines(one.frames));
          // Where there are no batches, the array is refused as a whole, with one answer without an id.
          sent.push(...one.frames.filter((frame) => batches || !Array.isArray(frame)).flat());
        }
      }
      await rig.session.end('the server ended');
      await rig.idle();
      for (let k = 1; k <= 6; k++) {
        const requests = sent.filter((message) => message.id === k).length;
        const cancels = sent.filter(({ method, params }) => method === 'notifications/cancelled' && params.requestId === k).length;
        const answers = rig.answersTo(k).length;
        expect(answers).toBeLessThanOrEqual(requests);
        expect(answers).toBeGreaterThanOrEqual(requests - cancels);
      }
      const settled = rig.outcomes().map(({ call }) => call);
      expect(new Set(settled).size).toBe(settled.length);
      expect(rig.executed().filter((name) => name === 'never' || name === 'ask')).toEqual([]);
    }),
    { numRuns: 150 },
  );
}, 60_000);
