/**
 * Approvals (policy.md §12): what a held call asks the store to record, and the port that people and their tools
 * decide through. The store's own step (`Store.reserve`) opens records and consumes them; nothing here does.
 *
 *     pending → approved | denied | expired      approved → consumed | expired      consumed → approved, after a failure
 */
import type { AgentKey } from './agent-key.ts';

/** A held call asks this of the store, for exactly the approval rules that fired. Times in ms. */
export interface HoldRequest {
  /** The call, every rule that fired and the tool's definition: an edited rule or a changed tool needs a new approval. */
  readonly fingerprint: string;
  /** The call alone: deciding one record ends other pending ones of the same call. */
  readonly call: string;
  readonly tool: string;
  readonly agent: string | undefined;
  /** Pending records and denials are counted by this key (policy.md §6). */
  readonly agentKey: AgentKey;
  readonly rule: string;
  readonly message: string;
  /** The call's arguments as JSON text, in full, for the human who decides. */
  readonly args: string;
  readonly evidence: Evidence;
  readonly timeout: number;
  readonly dedupeWindow: number;
  readonly maxPending: number;
  /** The call may be repeated this often after the upstream failed. */
  readonly retries: number;
  /** True where a webhook is to be notified of what becomes of this record. */
  readonly notify: boolean;
}

/** A human needs to know this beside the call itself. Kept as JSON. */
export interface Evidence {
  readonly upstream: string;
  readonly policy: string | undefined;
  readonly revision: string;
  /** The client calls itself so; nobody vouches for it. */
  readonly client: string | undefined;
  /** The beginning of the hash of the credential that the client brought for the server, where it brought one. */
  readonly credential?: string | undefined;
  /** The JSON text of what the client added in `_meta` (`ClientMeta`): the approval covers it. */
  readonly meta?: string | undefined;
  readonly rules: readonly FiredRule[];
  /** The requirements that approving overrides, in words. */
  readonly overrides: readonly string[];
}

/** An approval rule that fired. `why`: nothing is known of what it looks at, and this is why. */
export interface FiredRule {
  readonly rule: string;
  readonly message: string;
  readonly why?: string | undefined;
}

/** Writes what a rule says and, where nothing is known of what it looks at, why. */
export function saidBy({ message, why }: FiredRule): string {
  return why === undefined ? message : `${message} (${why})`;
}

/** The approval record that a held call waits for. `reused`: it stood already. */
export interface HeldApproval {
  readonly id: string;
  readonly expiresAt: number;
  readonly reused: boolean;
}

/** An approval that a reservation consumed. The token distinguishes this use from earlier and later ones. */
export interface LeasedApproval {
  readonly id: string;
  readonly token: string;
}

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'consumed';

/** A record as of now: a pending or approved one past `expiresAt` reads `expired`. */
export interface Approval {
  readonly id: string;
  readonly namespace: string;
  readonly tool: string;
  readonly agent: string | undefined;
  readonly rule: string;
  readonly message: string;
  readonly args: string;
  readonly evidence: Evidence;
  readonly state: ApprovalState;
  readonly timeout: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly decidedAt: number | undefined;
  readonly decidedBy: string | undefined;
  readonly reason: string | undefined;
  /** The call went out on it this often; at most `retries` + 1. */
  readonly attempts: number;
  readonly retries: number;
  readonly consumedAt: number | undefined;
}

export interface ApprovalFilter {
  readonly state?: ApprovalState | undefined;
  /** All namespaces, unless one is named. */
  readonly namespace?: string | undefined;
  readonly limit?: number | undefined;
  /** Those that come after the one with this id; none where it is not kept any more. */
  readonly after?: string | undefined;
  /** Of longer arguments so many characters are read: each may be as long as a message. All unless given. */
  readonly argsLimit?: number | undefined;
}

export type ApprovalVerdict = 'approve' | 'deny';

export interface ApprovalDecision {
  /** The full id. */
  readonly id: string;
  readonly verdict: ApprovalVerdict;
  readonly by: string;
  readonly reason: string;
}

export type DecisionResult =
  | { readonly kind: 'decided'; readonly approval: Approval }
  | { readonly kind: 'not_pending'; readonly approval: Approval }
  | { readonly kind: 'unknown' };

/**
 * A change of a record, written in the same transaction as the change. `approval` is the record as the event left
 * it. `sequence` grows with each event of the store and is never used again.
 */
export interface ApprovalEvent {
  readonly sequence: number;
  readonly type: 'approval.requested' | 'approval.approved' | 'approval.denied' | 'approval.expired' | 'approval.consumed';
  readonly at: number;
  readonly approval: Approval;
}

/** An event on its way to a webhook. `id` is the same for every try; `tries` counts this one. */
export interface Delivery {
  readonly id: string;
  readonly tries: number;
  readonly event: ApprovalEvent;
}

/** Characters of the arguments of what `expire` answers with. */
export const EXPIRED_ARGS = 200;
/** Characters of arguments that `events` answers with, beyond which no further event is added. */
export const MOST_EVENT_ARGS = 4 * 1024 * 1024;

/** Approvals as people and their tools see them. Every operation rejects with `StoreError` where the store fails. */
export interface Approvals {
  /** Pending ones oldest first, others newest first. */
  list(filter: ApprovalFilter): Promise<readonly Approval[]>;
  /** The records whose id is this or starts so, with or without `apr_`; of long arguments `argsLimit` characters, where given. */
  find(id: string, argsLimit?: number): Promise<readonly Approval[]>;
  /** Decides a pending, unexpired record, and ends other pending ones of the same call. */
  decide(decision: ApprovalDecision): Promise<DecisionResult>;
  /** Marks what is over, pending and approved; answers with it, and with no more than the beginning of its arguments. */
  expire(): Promise<readonly Approval[]>;
  /** The hash of the approver secret, store-wide; undefined where there is none. */
  secret(): Promise<string | undefined>;
  protect(hash: string): Promise<void>;
  /** The number of the newest event; 0 before the first. */
  newest(): Promise<number>;
  /**
   * Events after this number, in order: `limit` at most, fewer where their arguments are long, none only where there are
   * none. Of long arguments `argsLimit` characters, where given.
   */
  events(after: number, limit: number, argsLimit?: number): Promise<readonly ApprovalEvent[]>;
  /** Takes deliveries that are due, for a minute; until then nobody else gets them. */
  due(owner: string, namespace: string, limit: number): Promise<readonly Delivery[]>;
  delivered(id: string): Promise<void>;
  /** `nextTryAt` undefined: given up. */
  failed(id: string, nextTryAt: number | undefined): Promise<void>;
}
