/**
 * Opens what serves the people who decide (policy.md §12): the admin server, webhooks, and marking records that are
 * over. All of it stands beside the calls; what a policy does not use is not even loaded.
 */
import { openSweep } from '../approval/records.ts';
import type { MaskOptions } from '../audit/mask.ts';
import { RECORD_ROOM, renderArgs } from '../audit/record.ts';
import { describeCounters } from '../authoring/counter-limits.ts';
import type { Approval } from '../core/approval.ts';
import type { AuditSink } from '../core/audit.ts';
import { FaultError, reasonOf } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { Policy } from '../core/policy.ts';
import type { Records, Store } from '../core/store.ts';
import type { Every } from '../core/ticker.ts';
import type { Log } from '../engine/ports.ts';
import { readJson } from '../mcp/json/values.ts';
import { operator } from '../process/operator.ts';
import { VERSION } from '../process/version.ts';
import type { ProxyOptions } from '../serve/options.ts';
import { liveInstances } from './instances.ts';
import { dropExposed, tokenIn } from './own-folders.ts';
import { openRecorder, type Recorder } from './presence.ts';
import { webhookOf } from './webhook.ts';

export interface AdminOptions {
  readonly options: Pick<ProxyOptions, 'home' | 'auditArgs' | 'enableAdminApi' | 'adminPort'>;
  readonly policy: Policy;
  readonly store: Store & Records;
  readonly audit: AuditSink;
  readonly log: Log;
  readonly instance: string;
  readonly namespace: string;
  readonly upstream: string;
  /** Webhooks show arguments so. */
  readonly mask: MaskOptions;
  readonly every: Every;
}

export interface Admin {
  /** Where a human decides on this record; undefined where no admin server runs. */
  readonly pageOf: ((id: string) => string) | undefined;
  /** The page that lists them. */
  readonly page: string | undefined;
  /** The policy in force from now on. */
  use(policy: Policy): void;
  stop(): Promise<void>;
}

/** The admin server cannot be opened. */
export class AdminError extends FaultError {
  override readonly name = 'AdminError';
}

/** Opens what is asked for. Throws `AdminError`. */
export async function openAdmin(parts: AdminOptions): Promise<Admin> {
  const { options, store, log } = parts;
  let inForce = parts.policy;
  const policy = () => inForce;
  const record = openRecorder(parts);
  const server = options.enableAdminApi ? await openServer(parts, policy, record) : undefined;
  const origin = server?.origin;
  const notices = openNotices(parts, policy, record, origin);
  const stopSweep = openSweep({
    approvals: store.approvals,
    wanted: () => inForce.uses.approvals || server !== undefined,
    onExpired: (approval) => record('approval_expired', namesOf(approval)),
    warn: log.warn,
    every: parts.every,
  });
  await notices.start();
  return {
    page: origin === undefined ? undefined : `${origin}/approvals`,
    pageOf: origin === undefined ? undefined : (id) => `${origin}/approvals/${id}`,
    use(policy) {
      inForce = policy;
      void notices.start();
    },
    async stop() {
      stopSweep();
      await Promise.all([notices.stop(), server?.close()]);
    },
  };
}

async function openServer(parts: AdminOptions, policy: () => Policy, record: Recorder) {
  const { options, store, log, instance, upstream } = parts;
  const [{ openAdminServer }, { loadToken }, { matchesSecret }, { unknownPolicy }] = await Promise.all([
    import('../admin/server.ts'),
    import('../admin/token.ts'),
    import('../approval/secret.ts'),
    import('./pause.ts'),
  ]);
  dropExposed('admin token', tokenIn(options.home), process.env, log.warn);
  try {
    const server = await openAdminServer(
      {
        approvals: store.approvals,
        store,
        token: loadToken(options.home),
        matchesSecret,
        readJson: (text) => readJson(text),
        describeCounters: (readings) => describeCounters(readings, policy()),
        unknownPolicy: (name) => unknownPolicy(name, store),
        liveInstances: (instances) => liveInstances(instances, Date.now()),
        operator: await operator(),
        about: () => ({ version: VERSION, instance, policy: policy().name, revision: policy().revision, upstream }),
        record,
        warn: log.warn,
        clock: Date.now,
        monotonic: () => performance.now(),
      },
      options.adminPort,
    );
    log.info(`admin API at ${server.origin}, page at ${server.origin}/approvals; the token is in ${options.home}/admin.token`);
    return server;
  } catch (cause) {
    if (cause instanceof FaultError) throw new AdminError(cause.message, { cause, help: cause.help });
    throw new AdminError(`the admin API cannot be opened on port ${options.adminPort}: it ${reasonOf(cause)}`, {
      cause,
      help: 'name another with --admin-port, or leave it out to get a free one',
    });
  }
}

/** Webhooks, loaded with the first policy that has one. */
function openNotices(parts: AdminOptions, policy: () => Policy, record: Recorder, origin: string | undefined) {
  const { options, store, log, instance, namespace, mask } = parts;
  let opening: Promise<{ stop(): Promise<void> }> | undefined;
  const webhook = () => {
    const found = webhookOf(policy(), process.env);
    return found.kind === 'webhook' ? found : undefined;
  };
  const open = async () => {
    const { openNotifier } = await import('../approval/notifier.ts');
    return openNotifier({
      ...{ approvals: store.approvals, webhook, owner: instance, namespace, origin },
      renderArgs: (args) => renderArgs({ args: readJson(args) as JsonObject, argsText: args }, options.auditArgs, mask, RECORD_ROOM),
      clock: Date.now,
      chance: Math.random,
      onFailure({ approval, event, webhook: where, tries, why, nextTryAt }) {
        const next = nextTryAt === undefined ? 'given up' : `next try at ${new Date(nextTryAt).toISOString()}`;
        // The first and the last failure say all; those between would fill the log for a day.
        if (tries > 1 && nextTryAt !== undefined) return log.debug(`webhook ${where}: ${event} of ${approval}: ${why}; ${next}`);
        log.warn(`webhook ${where}: ${event} of ${approval} was not taken: ${why}; ${next}`);
        record('webhook_failed', { approval, event, webhook: where, tries, why, given_up: nextTryAt === undefined });
      },
      warn: log.warn,
      every: parts.every,
    });
  };
  return {
    async start() {
      if (!opening && webhook()) opening = open();
      await opening;
    },
    stop: async () => (await opening)?.stop(),
  };
}

function namesOf({ id, tool, agent, rule }: Approval) {
  return { approval: id, tool, agent, rule };
}
