/** Runs the cases of a test file with the engine that enforces, each with fresh state and a clock of its own. */
import type { ToolCatalog } from '../../core/catalog.ts';
import type { Call, Decision, TraceEntry } from '../../core/decision.ts';
import type { Facts } from '../../core/facts.ts';
import type { ToolMatcher } from '../../core/match.ts';
import { createMatcher } from '../../core/match.ts';
import type { Policy } from '../../core/policy.ts';
import type { Store } from '../../core/store.ts';
import { fingerprintFor, type JudgedCall, judgeCall } from '../../library/engine.ts';
import { openMemoryStore } from '../../state/memory.ts';
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

/** How a case ended. `step` counts from 1, `line` is the step's in its file. */
export type CaseResult = { readonly name: string; readonly line: number } & (
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly failure: Failure }
  | { readonly status: 'not available'; readonly step: number; readonly stepLine: number; readonly why: string }
);

export interface Failure {
  readonly step: number;
  readonly line: number;
  readonly call: string;
  readonly expected: string;
  readonly got: string;
  readonly walk: readonly TraceEntry[];
}

interface Running {
  readonly bench: Bench;
  readonly store: Store;
  readonly clock: { now: number };
  readonly agent: string | undefined;
  /** Fingerprints of the calls that an idempotency window remembers. */
  readonly once: Set<string>;
}

type StepEnd =
  | { readonly kind: 'ok' }
  | { readonly kind: 'failed'; readonly failure: Omit<Failure, 'step' | 'line'> }
  | { readonly kind: 'not available'; readonly why: string };

const OK: StepEnd = { kind: 'ok' };

/** Prepares a policy for its cases. */
export function openBench(policy: Policy, catalog: ToolCatalog | undefined, now: number, coverage: Coverage): Bench {
  return { policy, match: createMatcher(policy), catalog, coverage, now };
}

/** Runs one case to its end, its first failure, or the first step that this version cannot do. */
export async function runCase({ name, line, agent, now, steps }: TestCase, bench: Bench): Promise<CaseResult> {
  const clock = { now: now ?? bench.now };
  const store = openMemoryStore({ clock: () => clock.now, namespace: 'test' });
  const running: Running = { bench, store, clock, agent, once: new Set() };
  for (const [index, step] of steps.entries()) {
    clock.now += step.after;
    const end = await runStep(step, running);
    if (end.kind === 'failed') return { name, line, status: 'failed', failure: { ...end.failure, step: index + 1, line: step.line } };
    if (end.kind === 'not available') return { name, line, status: 'not available', step: index + 1, stepLine: step.line, why: end.why };
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
      return { kind: 'not available', why: `deciding approvals ("${step.kind}")` };
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

async function runCall(step: CallStep, running: Running): Promise<StepEnd> {
  if (step.expect === 'replay') return { kind: 'not available', why: 'answering an identical call again (idempotency)' };
  const call: Call = { tool: step.tool, args: step.args, agent: step.agent ?? running.agent, session: 'test' };
  for (let round = 1; round <= step.repeat; round++) {
    const trace: TraceEntry[] = [];
    const judged = await judge(call, step.argsText, running, trace);
    if (judged === 'repeated') return { kind: 'not available', why: 'recognising an identical call (idempotency)' };
    running.bench.coverage.add(trace, judged);
    const mismatch = mismatchOf(step, judged.decision);
    if (mismatch) return { kind: 'failed', failure: { ...mismatch, call: describe(step, round), walk: trace } };
    await settle(judged.decision, step, running.store);
  }
  return OK;
}

async function judge(call: Call, argsText: string, running: Running, trace: TraceEntry[]): Promise<JudgedCall | 'repeated'> {
  const { bench, store, once } = running;
  const { policy, match, catalog } = bench;
  const { pauses } = await store.control();
  const facts: Facts = { policy, match, catalog, pause: pauses[0], ownPaths: [], fingerprint: fingerprintFor('test', '') };
  const judged = await judgeCall(call, argsText, facts, store, (entry) => trace.push(entry));
  if (judged.plan.kind === 'deny' || judged.plan.idempotencyWindow === 0) return judged;
  const fingerprint = facts.fingerprint(call);
  if (once.has(fingerprint)) return 'repeated';
  if (judged.decision.outcome === 'allow') once.add(fingerprint);
  return judged;
}

/** SPEC: policy.md §6: a failure gives back, an unknown outcome keeps. */
async function settle(decision: Decision, { upstream }: CallStep, store: Store): Promise<void> {
  const failed = upstream === 'error' || upstream === 'tool_error';
  if (decision.outcome !== 'allow' || !decision.reservation) return;
  const outcome = failed ? 'released' : upstream === 'unknown' ? 'kept' : 'committed';
  await store.settle([{ reservation: decision.reservation, outcome }]);
}

function describe({ tool, argsText, repeat }: CallStep, round: number): string {
  return `${tool} ${argsText}${repeat > 1 ? ` (repetition ${round} of ${repeat})` : ''}`;
}
