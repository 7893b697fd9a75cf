/** The audit port (cli.md §2): what is recorded of a decision and of its outcome. */
import type { AgentKey } from './agent-key.ts';
import type { ClientMeta } from './client-meta.ts';
import type { ReasonCode } from './codes.ts';
import { FaultError } from './fault.ts';
import type { JsonObject } from './json.ts';

/** A record names this of a policy. */
export interface RecordedPolicy {
  readonly name: string | undefined;
  readonly revision: string;
}

/** One decision about a tool call. Times in microseconds. */
export interface CallEvent {
  readonly type: 'tool_call';
  /** The policy that decided, which a reload may have replaced meanwhile; the one in use where it is absent. */
  readonly policy?: RecordedPolicy | undefined;
  /** Joins the decision and its outcome. */
  readonly call: string;
  readonly tool: string;
  readonly result: 'allowed' | 'denied' | 'approval_required' | 'replayed';
  readonly code?: ReasonCode | undefined;
  readonly rule?: string | undefined;
  readonly message?: string | undefined;
  /** Says exactly what did not hold, for people. */
  readonly why?: string | undefined;
  /** The decision hangs on something that nobody could judge, so `why` is what helps. */
  readonly isUnknown?: boolean | undefined;
  readonly args: JsonObject;
  /** The arguments' JSON text as it arrived. */
  readonly argsText: string;
  /** The client added this in `_meta`. */
  readonly meta?: ClientMeta | undefined;
  /** The JSON text of what was entered for the server (`inputResponses`). */
  readonly inputs?: string | undefined;
  readonly agent?: string | undefined;
  /** INVARIANT I13: whose denials are counted; never written. */
  readonly agentKey?: AgentKey | undefined;
  readonly client?: string | undefined;
  readonly session?: string | undefined;
  /** The JSON text of the request's id. */
  readonly requestId?: string | undefined;
  readonly durationUs: number;
  readonly draws?: readonly { readonly counter: string; readonly amount: string }[] | undefined;
  readonly approval?: string | undefined;
  /** Enforcement would have decided this, where shadow mode let the call pass (policy.md §10). */
  readonly shadow?: readonly ShadowVerdict[] | undefined;
}

export interface ShadowVerdict {
  readonly result: 'denied' | 'approval_required';
  readonly code: ReasonCode;
  readonly rule: string;
}

/** The end of a forwarded call (policy.md §6). */
export interface OutcomeEvent {
  readonly type: 'outcome';
  readonly call: string;
  readonly result: 'committed' | 'released' | 'kept';
  readonly upstreamUs: number;
  readonly error?: string | undefined;
  /** A limit on money binds the call, and its price was not known (policy.md §8). */
  readonly unpriced?: true | undefined;
}

export type PlainEventType =
  | 'startup'
  | 'request'
  | 'refused'
  | 'config_reload'
  | 'approval_requested'
  | 'approval_reused'
  | 'approval_approved'
  | 'approval_denied'
  | 'approval_expired'
  | 'approval_consumed'
  | 'webhook_failed'
  | 'paused'
  | 'resumed'
  | 'heartbeat'
  | 'shutdown';

/** Everything else; `fields` are JSON values that never contain a secret. */
export interface PlainEvent {
  readonly type: PlainEventType;
  /** As in `CallEvent`. */
  readonly policy?: RecordedPolicy | undefined;
  readonly fields: Readonly<Record<string, string | number | boolean | null | readonly string[] | undefined>>;
}

export type AuditEvent = CallEvent | OutcomeEvent | PlainEvent;

/**
 * Where records go. `write` returns once they would survive the death of this process, and throws `AuditError`
 * when they would not: then nothing is forwarded (I3). `use` names the policy that later records belong to.
 */
export interface AuditSink {
  write(events: readonly AuditEvent[]): void;
  use(policy: RecordedPolicy): void;
  close(): void;
}

/** A record could not be written. */
export class AuditError extends FaultError {
  override readonly name = 'AuditError';
}
