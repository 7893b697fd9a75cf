/** Any sequence of frames, from both sides: every request gets exactly one answer (I9). */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Records, Store } from '../../src/core/store.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
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

/** Calls that are kept open: one that is idempotent, one that is held and waits for a human. */
const KEPT = `
version: "1"
approvals: {max_pending: 1000}
tools:
  once: {idempotency_window: 5m, rules: [{rate_limit: 1000/hour}]}
  ask: {rules: [{action: require_approval}]}
`;
const keptTool = fc.constantFrom('once', 'ask');
const keptCall = fc.record({
  jsonrpc: fc.constant('2.0'),
  id: fc.integer({ min: 1, max: 8 }),
  method: fc.constant('tools/call'),
  params: fc.record({ name: keptTool }),
});
/** What ends a call; one that asks back could be continued by the next one. */
const ENDS = [0, 1, 2, 4, 7];
type KeptStep =
  | Step
  | { readonly kind: 'decide'; readonly verdict: 'approve' | 'deny' }
  | { readonly kind: 'cancel'; readonly requestId: number }
  | { readonly kind: 'reload' };
const keptStep: fc.Arbitrary<KeptStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('agent' as const), frames: fc.array(keptCall, { minLength: 1, maxLength: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which: fc.nat(20),
      how: fc.constantFrom(...ENDS),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('decide' as const), verdict: fc.constantFrom('approve' as const, 'deny' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), requestId: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('turn' as const, 'reload' as const) }) },
);

test('I5, I6, I9: with calls that are kept open, whatever decides, answers, cancels and reloads between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(keptStep, { maxLength: 25 }), fc.constantFrom(0, 60_000), fc.boolean(), async (steps, approvalWait, slow) => {
      const store = openMemoryStore({ clock: () => START, namespace: 'test' });
      const rig = await openRig({ policy: KEPT, approvalWait, timeouts: { listing: 5 }, store: slow ? slowly(store) : store });
      // The list is known, so that a call is held at once.
      rig.session.fromAgent(lines([{ jsonrpc: '2.0', id: 'list', method: 'tools/list' }]));
      await rig.say({ jsonrpc: '2.0', id: 'list', result: { tools: [] } });
      const open = new Set<Message>();
      for (const message of rig.server) Object.assign(message, { answered: true });
      const sent: Message[] = [];
      let approved = 0;
      for (const one of steps) {
        if (one.kind === 'answer') answerOne(rig, open, one);
        else if (one.kind === 'reload') await rig.reload(KEPT);
        else if (one.kind === 'cancel') {
          const frame = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: one.requestId } };
          rig.session.fromAgent(lines([frame]));
          sent.push(frame);
        } else if (one.kind === 'decide') {
          for (const { id } of await store.approvals.list({ state: 'pending' }))
            if (
              (await store.approvals.decide({ id, verdict: one.verdict, by: 'ada', reason: '' })).kind === 'decided' &&
              one.verdict === 'approve'
            )
              approved += 1;
        } else if (one.kind === 'agent') {
          rig.session.fromAgent(lines(one.frames));
          sent.push(...one.frames);
        } else await turn();
      }
      rig.session.agentGone();
      await rig.session.agentIdle();
      await rig.session.end('the server ended');
      await rig.idle();
      for (let k = 1; k <= 8; k++) {
        const requests = sent.filter((message) => message.id === k).length;
        const cancels = sent.filter(({ params }) => params?.requestId === k).length;
        const answers = rig.answersTo(k).length;
        expect(answers).toBeLessThanOrEqual(requests);
        expect(answers).toBeGreaterThanOrEqual(requests - cancels);
      }
      const outcomes = rig.outcomes();
      expect(new Set(outcomes.map(({ call }) => call)).size).toBe(outcomes.length);
      const failed = outcomes.filter(({ result }) => result === 'released').length;
      expect(rig.executed().filter((name) => name === 'once').length).toBeLessThanOrEqual(1 + failed);
      expect(rig.executed().filter((name) => name === 'ask').length).toBeLessThanOrEqual(approved + failed);
    }),
    { numRuns: 150 },
  );
}, 60_000);
