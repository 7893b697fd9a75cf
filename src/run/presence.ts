/** A running proxy reports itself by these: its row in the store, and the records that are not about a call (cli.md §2). */
import { hostname } from 'node:os';
import { judgeTools, sumTools } from '../authoring/tool-verdicts.ts';
import { AuditError, type AuditSink, type PlainEvent } from '../core/audit.ts';
import type { ToolCatalog } from '../core/catalog.ts';
import type { Policy } from '../core/policy.ts';
import type { Control, Pause, Store } from '../core/store.ts';
import type { Every } from '../core/ticker.ts';
import type { Log } from '../engine/ports.ts';
import type { Reload } from '../serve/transport.ts';
import { wholeName } from './policy-text.ts';

/** ms between rows in the store, and between heartbeats in the audit. */
const ANNOUNCE = 5_000;
const HEARTBEAT = 60_000;
/** Sums of tool lists that are told. */
const MOST_SUMS = 8;

export interface PresenceOptions {
  readonly store: Store;
  readonly audit: AuditSink;
  readonly log: Log;
  readonly policy: Policy;
  readonly instance: string;
  readonly namespace: string;
  readonly upstream: string;
  readonly every: Every;
}

/** The facts of a proxy that are known once it serves. */
export interface ProxyStart {
  readonly config: string;
  readonly version: string;
  readonly serverPid: number | undefined;
  readonly listens: string | undefined;
  readonly page: string | undefined;
  notInForce(): string | undefined;
}

export interface Presence {
  start(start: ProxyStart): void;
  controlChanged(control: Control, previous: Control | undefined): void;
  reloaded(event: Reload): void;
  /** Names that the policy lists and the server does not have are warned of, once each (wire.md §3). */
  toolsListed(catalog: ToolCatalog): void;
  stop(status: number): Promise<void>;
}

export type Recorder = (type: PlainEvent['type'], fields: PlainEvent['fields']) => void;

/** Speaks for one instance. Nothing here ever fails a call. */
export function openPresence({ store, audit, log, policy, instance, namespace, upstream, every }: PresenceOptions): Presence {
  const record = openRecorder({ audit, log });
  const stops: (() => void)[] = [];
  const row = { id: instance, pid: process.pid, host: hostname(), namespace, upstream, startedAt: Date.now() };
  const tools = openToolNotice(log);
  const sum = openToolSum(log);
  let confirmed = 0;
  let inForce = policy;
  let rejected: () => string | undefined = () => undefined;
  const announce = () => {
    const { name, revision } = inForce;
    void store
      .announce({ ...row, policy: name, revision, confirmed })
      .catch((error: unknown) => log.debug(`state: not announced: ${String(error)}`));
  };
  /** The first reading comes before the first record, which is `startup`. */
  const notePause = (before: Pause | undefined, after: Pause | undefined, isFirst: boolean) => {
    if (before?.since === after?.since && before?.reason === after?.reason) return;
    log.warn(after ? `paused: ${after.reason || 'no reason given'}` : 'resumed');
    if (!isFirst) record(after ? 'paused' : 'resumed', { reason: after?.reason });
  };
  const beat = () => record('heartbeat', { not_in_force: rejected(), unknown_tools: tools.missing() });
  return {
    start({ config, version, serverPid, listens, page, notInForce }) {
      rejected = notInForce;
      const ids = { version, upstream, pid: process.pid, server_pid: serverPid };
      record('startup', { ...ids, config: wholeName(config), cwd: process.cwd(), mode: inForce.mode, listens, page });
      announce();
      stops.push(every(ANNOUNCE, announce), every(HEARTBEAT, beat));
    },
    controlChanged(control, previous) {
      confirmed = control.sequence;
      announce();
      const [before, after] = [previous, control].map((each) =>
        each?.pauses.find(({ policy: name }) => name === undefined || name === inForce.name),
      );
      notePause(before, after, previous === undefined);
    },
    reloaded(event) {
      if (event.kind === 'taken') {
        inForce = event.after.policy;
        audit.use(inForce);
        announce();
      }
      record('config_reload', { accepted: event.kind === 'taken', why: reasonOf(event) });
    },
    toolsListed(catalog) {
      sum.say(inForce, catalog);
      if (tools.compare(inForce, catalog)) beat();
    },
    async stop(status) {
      for (const stop of stops) stop();
      record('shutdown', { status });
      await store.leave(instance).catch(() => undefined);
    },
  };
}

/** Writes records that are not about a call. One that cannot be written is an error in the log, and stops nothing. */
export function openRecorder({ audit, log }: Pick<PresenceOptions, 'audit' | 'log'>): Recorder {
  return (type, fields) => {
    try {
      audit.write([{ type, fields }]);
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      log.error(`audit: ${error.message}`);
    }
  };
}

/** Says once what the policy makes of the server's tools; anew where that is another sum. Lists that take turns are not told for ever. */
function openToolSum(log: Log): { say(policy: Policy, catalog: ToolCatalog): void } {
  const said = new Set<string>();
  return {
    say(policy, { tools }) {
      const text = sumTools(judgeTools(policy, [...tools.keys()]));
      if (said.has(text) || said.size >= MOST_SUMS) return;
      said.add(text);
      log.info(text);
    },
  };
}

/** Remembers which names were warned of; `compare` answers whether there are new ones. */
function openToolNotice(log: Log): { missing(): readonly string[]; compare(policy: Policy, catalog: ToolCatalog): boolean } {
  let missing: readonly string[] = [];
  return {
    missing: () => missing,
    compare(policy, { tools }) {
      const known = missing;
      missing = [...policy.exact.keys()].filter((name) => !tools.has(name));
      const fresh = missing.filter((name) => !known.includes(name));
      for (const name of fresh) log.warn(`the policy lists the tool ${JSON.stringify(name)}, which the server does not have`);
      return fresh.length > 0;
    },
  };
}

function reasonOf(event: Reload): string | undefined {
  if (event.kind === 'rejected') return event.why;
  return event.kind === 'missing' ? 'the policy file is missing' : undefined;
}
