/** What a running proxy tells of itself: its row in the store, and the records that are not about a call (cli.md §2). */
import { hostname } from 'node:os';
import { AuditError, type AuditSink, type PlainEvent } from '../core/audit.ts';
import type { ToolCatalog } from '../core/catalog.ts';
import type { Policy } from '../core/policy.ts';
import type { Control, Store } from '../core/store.ts';
import type { Log } from '../proxy/deps.ts';
import type { ProxyOptions } from './options.ts';
import type { Reload } from './rules.ts';

/** ms between rows in the store, and between heartbeats in the audit. */
const ANNOUNCE = 5_000;
const HEARTBEAT = 60_000;

export interface PresenceOptions {
  readonly store: Store;
  readonly audit: AuditSink;
  readonly log: Log;
  readonly policy: Policy;
  readonly instance: string;
  readonly namespace: string;
  readonly upstream: string;
}

export interface Presence {
  start(options: ProxyOptions, policy: Policy, serverPid: number, version: string, rejected: () => string | undefined): void;
  controlChanged(control: Control, previous: Control | undefined): void;
  reloaded(event: Reload): void;
  /** Names that the policy lists and the server does not have are warned of, once each (wire.md §3). */
  toolsListed(catalog: ToolCatalog): void;
  stop(status: number): Promise<void>;
}

/** Speaks for one instance. Nothing here ever fails a call. */
export function openPresence({ store, audit, log, policy, instance, namespace, upstream }: PresenceOptions): Presence {
  const startedAt = Date.now();
  const timers: NodeJS.Timeout[] = [];
  let confirmed = 0;
  let inForce = policy;
  let unknownTools: readonly string[] = [];
  const record = (type: PlainEvent['type'], fields: PlainEvent['fields']) => {
    try {
      audit.write([{ type, fields }]);
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      log.error(`audit: ${error.message}`);
    }
  };
  const announce = () => {
    const row = {
      id: instance,
      pid: process.pid,
      host: hostname(),
      namespace,
      policy: inForce.name,
      upstream,
      revision: inForce.revision,
      startedAt,
      confirmed,
    };
    return store.announce(row).catch((error: unknown) => log.debug(`state: not announced: ${String(error)}`));
  };
  let beat = () => {};
  const every = (ms: number, work: () => void) => {
    const timer = setInterval(work, ms);
    timer.unref();
    timers.push(timer);
  };
  return {
    start(options, started, serverPid, version, rejected) {
      record('startup', {
        version,
        upstream,
        pid: process.pid,
        server_pid: serverPid,
        config: options.config,
        mode: started.mode,
        agent: options.agent,
      });
      void announce();
      every(ANNOUNCE, () => void announce());
      beat = () => record('heartbeat', { not_in_force: rejected(), unknown_tools: unknownTools });
      every(HEARTBEAT, beat);
    },
    controlChanged(control, previous) {
      confirmed = control.sequence;
      void announce();
      if (!previous) return;
      const mine = control.pauses.find((pause) => pause.policy === undefined || pause.policy === inForce.name);
      log.warn(mine ? `paused: ${mine.reason || 'no reason given'}` : 'resumed');
      record(mine ? 'paused' : 'resumed', { reason: mine?.reason });
    },
    reloaded(event) {
      if (event.kind === 'taken') {
        inForce = event.after.policy;
        audit.use(inForce);
        void announce();
      }
      record('config_reload', {
        accepted: event.kind === 'taken',
        why: event.kind === 'rejected' ? event.why : event.kind === 'missing' ? 'the policy file is missing' : undefined,
      });
    },
    toolsListed({ tools }) {
      const missing = [...inForce.exact.keys()].filter((name) => !tools.has(name));
      const fresh = missing.filter((name) => !unknownTools.includes(name));
      unknownTools = missing;
      for (const name of fresh) log.warn(`the policy lists the tool ${JSON.stringify(name)}, which the server does not have`);
      if (fresh.length > 0) beat();
    },
    async stop(status) {
      timers.forEach(clearInterval);
      record('shutdown', { status });
      await store.leave(instance).catch(() => undefined);
    },
  };
}
