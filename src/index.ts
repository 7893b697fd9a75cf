/**
 * Intercept as a library: load a policy, decide about calls. No I/O, no clock, no platform: it runs in Node, Bun,
 * Deno, workers and browsers.
 */
import type { ApprovalDecision } from './core/approval.ts';
import type { ToolCatalog } from './core/catalog.ts';
import type { Decision } from './core/decision.ts';
import type { Diagnostic } from './core/diagnostic.ts';
import type { Pause, Records, Store } from './core/store.ts';
import { fingerprintFor, judgeCall, openLeases } from './engine/judge-call.ts';
import { openCatalog, parseToolList } from './engine/tool-list.ts';
import { type CallInput, callOf, type LoadedPolicy, preparePolicy } from './library/decide.ts';
import { renderJson } from './mcp/json/values.ts';
import type { Folders } from './policy/compile/folders.ts';
import { loadPolicyText } from './policy/load.ts';
import { openMemoryStore } from './state/memory/memory.ts';

export { type Answer, renderDenial, renderHold } from './core/answer.ts';
export type { ToolCatalog } from './core/catalog.ts';
export type { ReasonCode } from './core/codes.ts';
export type { Decision, Denial, Hold, Replay, TraceEntry } from './core/decision.ts';
export type { Diagnostic } from './core/diagnostic.ts';
export type { Policy } from './core/policy.ts';
export { type CounterRef, type Pause, type Records, type Reservation, type Store, StoreError } from './core/store.ts';
export { ToolListError } from './engine/tool-list.ts';
export { type CallInput, type Decided, type DecideOptions, type DrawOf, decide, type LoadedPolicy } from './library/decide.ts';
export type { Folders } from './policy/compile/folders.ts';

/**
 * Loads a policy's text. `policy` is undefined exactly when there is an error among the diagnostics. `folders` are what
 * `${HOME}`, `${POLICY_DIR}` and `${CWD}` stand for; one that is left out is an error where it is used.
 */
export async function loadPolicy(
  text: string,
  folders: Folders = {},
): Promise<{ readonly policy: LoadedPolicy | undefined; readonly diagnostics: readonly Diagnostic[] }> {
  const { policy, diagnostics } = await loadPolicyText(text, folders);
  return { policy: policy && preparePolicy(policy), diagnostics };
}

/** Reads a server's `tools/list` result, as text or value, for rules that validate against its schemas. */
export async function loadTools(list: string | object): Promise<ToolCatalog> {
  return openCatalog(parseToolList(typeof list === 'string' ? list : JSON.stringify(list)));
}

export interface EngineOptions {
  /** Where counters, approvals and results are kept; in memory without it. */
  readonly store?: Store & Pick<Records, 'approvals'>;
  /** Epoch ms. */
  readonly clock?: () => number;
  readonly tools?: ToolCatalog;
}

/** Decides with counters that it keeps itself. Settle each allowed call once its outcome is known. */
export interface Engine {
  decide(call: CallInput): Promise<Decision>;
  /**
   * `released` gives back what a failed call took; `committed` and `kept` leave it spent. `result` is what an idempotent
   * call's repeats are answered with.
   */
  settle(decision: Decision, outcome: 'committed' | 'released' | 'kept', result?: object): Promise<void>;
  /** Decides on the record of a held call, by its id. False where it does not wait any more. */
  approve(id: string, by: string): Promise<boolean>;
  deny(id: string, by: string, reason?: string): Promise<boolean>;
  pause(reason?: string): Promise<void>;
  resume(): Promise<void>;
}

/** Opens an engine for one policy. */
export function createEngine(policy: LoadedPolicy, options: EngineOptions = {}): Engine {
  const namespace = policy.name ?? '';
  const store = options.store ?? openMemoryStore({ clock: options.clock ?? Date.now, namespace });
  const fixed = { policy, match: policy.match, catalog: options.tools, fingerprint: fingerprintFor(namespace, '') };
  const leases = openLeases(store);
  const decideOn = async (decision: ApprovalDecision) => (await store.approvals.decide(decision)).kind === 'decided';
  return {
    async decide(input) {
      const call = callOf(input);
      const pause = await pauseFor(store, policy.name);
      const { decision } = await judgeCall(call, input.argsJson ?? renderJson(call.args), { ...fixed, pause }, { store, leases });
      return decision;
    },
    async settle(decision, outcome, result) {
      if (decision.outcome !== 'allow' || !decision.reservation) return;
      const { reservation } = decision;
      await store.settle([{ reservation, outcome, ...(result && { result: JSON.stringify(result) }) }]);
      if (reservation.claim) leases.end(reservation.claim);
    },
    approve: (id, by) => decideOn({ id, verdict: 'approve', by, reason: '' }),
    deny: (id, by, reason = '') => decideOn({ id, verdict: 'deny', by, reason }),
    pause: async (reason = '') => void (await store.pause({ policy: policy.name, reason })),
    resume: async () => void (await store.resume(policy.name)),
  };
}

async function pauseFor(store: Store, name: string | undefined): Promise<Pause | undefined> {
  const { pauses } = await store.control();
  return pauses.find((pause) => pause.policy === undefined || pause.policy === name);
}
