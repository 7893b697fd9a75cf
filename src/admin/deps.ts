/** The parts that the admin server is built from: one object, made by the composition root. */
import type { Approvals } from '../core/approval.ts';
import type { PlainEvent } from '../core/audit.ts';
import type { CounterStatus } from '../core/counter.ts';
import type { Json } from '../core/json.ts';
import type { CounterReading, Instance, Store } from '../core/store.ts';

export interface AdminDeps {
  readonly approvals: Approvals;
  readonly store: Pick<Store, 'control' | 'pause' | 'resume' | 'instances' | 'counters'>;
  /** The bearer token of the API. */
  readonly token: string;
  /** True where this is the approver secret that the hash was made of. Slow on purpose. */
  readonly matchesSecret: (secret: string, hash: string) => Promise<boolean>;
  /** Reads JSON text that was judged before: numbers keep their text. */
  readonly readJson: (text: string) => Json;
  /** Counters in the policy's words. */
  readonly describeCounters: (readings: readonly CounterReading[]) => readonly CounterStatus[];
  /** Says what runs, and which name is near, where nothing here has a policy of this name. */
  readonly unknownPolicy: (name: string) => Promise<{ readonly running: string; readonly near: string | undefined } | undefined>;
  readonly liveInstances: (instances: readonly Instance[]) => readonly Instance[];
  /** The decider where nobody is named. */
  readonly operator: string;
  readonly about: () => About;
  /** Writes an audit record; what cannot be written is reported and stops nothing. */
  readonly record: (type: PlainEvent['type'], fields: PlainEvent['fields']) => void;
  readonly warn: (text: string) => void;
  /** Epoch ms. */
  readonly clock: () => number;
  /** ms that never step back. */
  readonly monotonic: () => number;
}

export interface About {
  readonly version: string;
  readonly instance: string;
  readonly policy: string | undefined;
  readonly revision: string;
  readonly upstream: string;
}
