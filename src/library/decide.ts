/** The library's decision: synchronous and pure; the caller says what its counters stand at. */

import type { ToolCatalog } from '../core/catalog.ts';
import { renderMicros } from '../core/decimal.ts';
import type { Call, Decision, TraceEntry } from '../core/decision.ts';
import { NO_ARGUMENTS } from '../core/json.ts';
import { createMatcher, type ToolMatcher } from '../core/match.ts';
import { type Plan, plan } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import type { CounterRef } from '../core/store.ts';
import { parseArguments, plainArguments } from '../engine/arguments.ts';
import { decideOn, fingerprintFor } from '../engine/judge-call.ts';

/** A policy with what is made of it once, so that each call costs little. */
export interface LoadedPolicy extends Policy {
  readonly match: ToolMatcher;
}

/** A call as a program has it: `args` as plain values, or `argsJson` as the exact text (numbers then stay exact). */
export interface CallInput {
  readonly tool: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly argsJson?: string;
  readonly agent?: string;
  readonly session?: string;
}

export interface DecideOptions {
  /** Epoch ms, for the time of a retry; without it none is given. */
  readonly now?: number;
  /** A counter's value in its present window, in millionths; 0 where there is none. */
  readonly counters?: ReadonlyMap<string, number> | ((counter: CounterRef) => number);
  /** The server's tools, from `loadTools`. */
  readonly tools?: ToolCatalog;
  readonly trace?: boolean;
}

/** Forwarding the call adds this to a counter. */
export interface DrawOf {
  readonly counter: CounterRef;
  readonly label: string;
  readonly micros: number;
  /** The same as people write it. */
  readonly amount: string;
}

export type Decided = Decision & {
  /** True where the call goes to the server: allowed, or the policy is in shadow mode. */
  readonly forward: boolean;
  readonly draws: readonly DrawOf[];
  /** The walk, where it was asked for. */
  readonly trace: readonly TraceEntry[] | undefined;
};

const fingerprint = fingerprintFor('', '');

/** Decides about a call. Throws `TypeError` for arguments that JSON does not have, `SyntaxError` for a text that is refused. */
export function decide(policy: LoadedPolicy, input: CallInput, options: DecideOptions = {}): Decided {
  if (typeof policy?.match !== 'function')
    throw new TypeError('decide needs the `policy` of `loadPolicy`, which is undefined where the text has errors');
  const trace: TraceEntry[] | undefined = options.trace ? [] : undefined;
  const facts = { policy, match: policy.match, catalog: options.tools, pause: undefined, fingerprint };
  const planned = plan(callOf(input), facts, trace && ((entry) => trace.push(entry)));
  const decision = decideOn(planned, readerOf(options.counters), options.now);
  const forward = decision.outcome === 'allow' || policy.mode === 'shadow';
  return { ...decision, forward, draws: drawsOf(planned, decision), trace };
}

/** Adds to a compiled policy what `decide` needs. */
export function preparePolicy(policy: Policy): LoadedPolicy {
  return { ...policy, match: createMatcher(policy) };
}

/** The call as the engine judges it. */
export function callOf({ tool, args, argsJson, agent, session }: CallInput): Call {
  return { tool, args: argsJson === undefined ? (args ? plainArguments(args) : NO_ARGUMENTS) : fromText(argsJson), agent, session };
}

function fromText(text: string): Call['args'] {
  const parsed = parseArguments(text);
  if (!parsed.ok) throw new SyntaxError(`argsJson: ${parsed.why}`);
  return parsed.args;
}

function readerOf(counters: DecideOptions['counters']): (counter: CounterRef) => number {
  return typeof counters === 'function' ? counters : ({ id }) => counters?.get(id) ?? 0;
}

function drawsOf(planned: Plan, decision: Decision): readonly DrawOf[] {
  if (planned.kind !== 'store' || decision.outcome !== 'allow' || !decision.reservation) return [];
  const { counters, sources } = planned.draft;
  return decision.reservation.draws.map(({ id, unit, micros }) => {
    const place = counters.findIndex((counter) => counter.id === id);
    return { counter: { id, unit }, label: sources[place]?.label ?? id, micros, amount: renderMicros(micros) };
  });
}
