/** Enforcement is built from these, by how long they last: the process, a server that it serves, a client of that server. */

import type { AuditSink } from '../core/audit.ts';
import type { ToolCatalog } from '../core/catalog.ts';
import type { Json } from '../core/json.ts';
import type { ToolMatcher } from '../core/match.ts';
import type { OwnPaths } from '../core/own-path.ts';
import type { Policy, SchemaCheck } from '../core/policy.ts';
import type { Pause, Store } from '../core/store.ts';
import type { ApprovalWatch } from './approval-watch.ts';
import type { Leases } from './leases.ts';

/** The policy in force and what is made of it once. INVARIANT I8: a call sees one rulebook throughout. */
export interface Rulebook {
  readonly policy: Policy;
  readonly match: ToolMatcher;
}

/** Where the policy comes from; `undefined` while there is none, and then everything is denied (cli.md §1). */
export interface PolicySource {
  readonly current: Rulebook | undefined;
}

/** The pause in force, no older than policy.md §11 allows; throws `StoreError` where that cannot be known. */
export interface PauseWatch {
  current(policy: string | undefined): Pause | undefined | Promise<Pause | undefined>;
  /** The pause that was read last, however long ago: what this process has confirmed holds, also while the store is slow. */
  known(policy: string | undefined): Pause | undefined;
}

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  /** `quoted` is the beginning of what a peer wrote, as it came: the log masks, cuts and escapes it. */
  warn(text: string, quoted?: string): void;
  error(text: string): void;
}

/** The hash of a text that comes in pieces, none of which ends within a character. */
export interface TextHash {
  update(piece: string): unknown;
  digest(encoding: 'hex'): string;
}

/** The parts that one process has, whatever it serves. */
export interface Ports {
  readonly store: Store;
  readonly pauses: PauseWatch;
  /** The claims of idempotent calls that this process carries out. */
  readonly leases: Leases;
  /** Looked at while calls are kept open for a human. */
  readonly approvals: ApprovalWatch;
  /** A held call is kept open for that so long, ms; 0 answers at once. */
  readonly approvalWait: number;
  /** The address of a record's page, where there is one for a human to decide on. */
  readonly approvalPage?: ((id: string) => string | undefined) | undefined;
  /** An HMAC of a text, under a key that agents do not know. */
  readonly sign: (text: string) => string;
  readonly audit: AuditSink;
  readonly log: Log;
  /** Epoch ms. */
  readonly clock: () => number;
  /** ms from an arbitrary start that never steps back: durations only. */
  readonly monotonic: () => number;
  readonly newId: () => string;
  readonly sha256: (text: string) => string;
  /** The same for a text that is too long to be hashed at once. */
  readonly openSha256: () => TextHash;
  /** Loads the JSON Schema engine; only asked for where a rule validates against the server's schemas. */
  readonly loadSchemaCompiler: () => Promise<ToolSchemaCompiler>;
  readonly timeouts: Timeouts;
}

/** One server that agents reach through Intercept, and the policy in front of it. */
export interface Served {
  readonly rules: PolicySource;
  /** Names the server and the counters' namespace. */
  readonly upstream: string;
  /** The same for people, with secrets masked. */
  readonly shownUpstream: string;
  readonly namespace: string;
  /** No message of the agent may name these (policy.md §5.1); undefined where it may. */
  readonly own: OwnPaths | undefined;
  readonly failMode: 'closed' | 'open';
  /** Called with the server's tools whenever their list is known to its end (wire.md §3). */
  readonly toolsListed: (catalog: ToolCatalog) => void;
}

/** A caller: its sessions come and go. */
export interface Client {
  /** The agent's name by the operator's word (`--agent`). */
  readonly agent: string | undefined;
  /** The hash of what the client brought for the server: a part of the agent key (policy.md §6), and of no counter, since the client chooses it. */
  readonly credential: string | undefined;
}

export type ToolSchemaCompiler = (schema: { readonly key: string; readonly read: () => Json }) => SchemaCheck;

/** ms. `upstream` 0 waits for ever; `listing` is how long a call waits for the server's own tool list. */
export interface Timeouts {
  readonly upstream: number;
  readonly listing: number;
}
