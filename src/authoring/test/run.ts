/** Runs the cases of a test file with the engine that enforces, each with fresh state and a clock of its own. */
import type { ToolCatalog } from '../../core/catalog.ts';
import type { Call, Decision, TraceEntry } from '../../core/decision.ts';
import type { Facts } from '../../core/facts.ts';
import type { ToolMatcher } from '../../core/match.ts';
import { createMatcher } from '../../core/match.ts';
import type { Policy } from '../../core/policy.ts';
import type { Records, Store } from '../../core/store.ts';
import type { JudgedCall } from '../../engine/judge.ts';
import { fingerprintFor, judgeCall } from '../../engine/judge-call.ts';
import { openMemoryStore } from '../../state/memory/memory.ts';
import type { Coverage } from './coverage.ts';
import { mismatchOf } from './expect.ts';
import type { CallStep, TestCase, TestStep } from './model.ts';

export interface Bench {
  readonly policy: Policy;
  readonly match: ToolMatcher;
  readonly catalog: ToolCatalog | undefined;
  readonly coverage: Coverage;
  /** Where a case starts that says nothing else, epoch ms. */
  readonly now: number;
}

/** The end of a case. `step` counts from 1, `line` is the step's in its file. */
export type CaseResult = { readonly name: string; readonly line: number } & (
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly failure: FailedCheck }
);

export interface FailedCheck {
  readonly step: number;
  readonly line: number;
  readonly call: string;
  readonly expected: string;
  readonly got: string;
  readonly walk: readonly TraceEntry[];
}

interface Running {
  readonly bench: Bench;
  readonly store: Store & Records;
  readonly clock: { now: number };
  readonly agent: string | undefined;
  /** The record of the call that was held last. */
  readonly held: { last: string | undefined };
}

type StepEnd = { readonly kind: 'ok' } | { readonly kind: 'failed'; readonly failure: Omit<FailedCheck, 'step' | 'line'> };

const OK: StepEnd = { kind: 'ok' };

/** Prepares a policy for its cases. One in shadow mode is judged as if it were enforced. */
export function openBench(policy: Policy, catalog: ToolCatalog | undefined, now: number, coverage: Coverage): Bench {
  return { policy: { ...policy, mode: 'enforce' }, match: createMatcher(policy), catalog, coverage, now };
}

/** Runs one case to its end, or to its first failure. */
export async function runCase({ name, line, agent, now, steps }: TestCase, bench: Bench): Promise<CaseResult> {
  const clock = { now: now ?? bench.now };
  const store = openMemoryStore({ clock: () => clock.now, namespace: 'test' });
  const running: Running = { bench, store, clock, agent, held: { last: undefined } };
  for (const [index, step] of steps.entries()) {
    clock.now += step.after;
    const end = await runStep(step, running);
    if (end.kind === 'failed') return { name, line, status: 'failed', failure: { ...end.failure, step: index + 1, line: step.line } };
  }
  return { name, line, status: 'passed' };
}

async function runStep(step: TestStep, running: Running): Promise<StepEnd> {
  const policy = running.bench.policy.name;
  switch (step.kind) {
    case 'call':
      return runCall(step, running);
    case 'approve':
    case 'deny':
      return decide(step, running);
    case 'pause':
      await running.store.pause({ policy, reason: step.reason });
      return OK;
    case 'resume':
      await running.store.resume(policy);
      return OK;
    case 'wait':
      return OK;
  }
}

/** Does what a human would, to the record of the call that was held last. */
async function decide({ kind, reason }: Extract<TestStep, { kind: 'approve' | 'deny' }>, { store, held }: Running): Promise<StepEnd> {
  const { last } = held;
  const decided = last === undefined ? undefined : await store.approvals.decide({ id: last, verdict: kind, by: 'test', reason });
  if (decided?.kind === 'decided') return OK;
  const got = decided?.kind === 'not_pending' ? `its record is ${decided.approval.state}` : 'no call was held before';
  return { kind: 'failed', failure: { call: `${kind} last`, expected: 'a held call that waits for approval', got, walk: [] } };
}

async function runCall(step: CallStep, running: Running): Promise<StepEnd> {
  const call: Call = { tool: step.tool, args: step.args, agent: step.agent ?? running.agent, session: 'test' };
  for (let round = 1; round <= step.repeat; round++) {
    const trace: TraceEntry[] = [];
    const judged = await judge(call, step.argsText, running, trace);
    running.bench.coverage.add(trace, judged);
    if (judged.decision.outcome === 'hold') running.held.last = judged.decision.hold.approval?.id;
    const mismatch = mismatchOf(step, judged.decision);
    if (mismatch) return { kind: 'failed', failure: { ...mismatch, call: describe(step, round), walk: trace } };
    await settle(judged.decision, step, running.store);
  }
  return OK;
}

async function judge(call: Call, argsText: string, { bench, store }: Running, trace: TraceEntry[]): Promise<JudgedCall> {
  const { policy, match, catalog } = bench;
  const { pauses } = await store.control();
  const facts: Facts = { policy, match, catalog, pause: pauses[0], fingerprint: fingerprintFor('test', '') };
  return judgeCall(call, argsText, facts, { store }, (entry) => trace.push(entry));
}

/** SPEC: policy.md §6: a failure gives back, an unknown outcome keeps. */
async function settle(decision: Decision, { upstream, result = DONE }: CallStep, store: Store): Promise<void> {
  if (decision.outcome !== 'allow' || !decision.reservation) return;
  const failed = upstream === 'error' || upstream === 'tool_error';
  const outcome = failed ? 'released' : upstream === 'unknown' ? 'kept' : 'committed';
  await store.settle([{ reservation: decision.reservation, outcome, result }]);
}

/** A server answers so where the case names no answer. */
const DONE = '{"content":[]}';

function describe({ tool, argsText, repeat }: CallStep, round: number): string {
  return `${tool} ${argsText}${repeat > 1 ? ` (repetition ${round} of ${repeat})` : ''}`;
}
