/** `intercept -c policy.yaml …`: the proxy in front of a server. The composition root. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { escapeUnseen } from '../audit/escape.ts';
import { pruneEvents } from '../audit/evidence/retention.ts';
import { loadHashKey, openKeyedHash } from '../audit/key.ts';
import type { MaskOptions } from '../audit/mask.ts';
import { maskCommand, openMask } from '../audit/mask.ts';
import { openFileSink } from '../audit/sinks/file.ts';
import { type LineWriter, openLineWriter } from '../audit/sinks/line-writer.ts';
import { createLog } from '../audit/sinks/log.ts';
import { openStderrSink } from '../audit/sinks/stderr.ts';
import { teeSinks } from '../audit/sinks/tee.ts';
import { renderDiagnostic } from '../authoring/policy-file.ts';
import { AuditError } from '../core/audit.ts';
import { EXIT } from '../core/fault.ts';
import type { Policy } from '../core/policy.ts';
import { type Records, type Store, StoreError } from '../core/store.ts';
import { BEAT, createTicker, type Every } from '../core/ticker.ts';
import { watchApprovals } from '../engine/approval-watch.ts';
import { createLeases } from '../engine/leases.ts';
import { watchPauses } from '../engine/pause-watch.ts';
import type { Log, PauseWatch, PolicySource, Ports, Served } from '../engine/ports.ts';
import { proxyFor, unusedProxy } from '../http/proxies.ts';
import { childEnvironment, StartError } from '../process/child.ts';
import { VERSION } from '../process/version.ts';
import type { ProxyOptions } from '../serve/options.ts';
import { secretsOf, shownUrl, warningsOf } from '../serve/remote-secrets.ts';
import type { Transport } from '../serve/transport.ts';
import type { StateLocation } from '../state/open.ts';
import { type Admin, AdminError, openAdmin } from './admin.ts';
import { namespaceOf, ownPaths } from './home.ts';
import { isAlive } from './instances.ts';
import { dropExposed, keyIn } from './own-folders.ts';
import { openPresence, type PresenceOptions } from './presence.ts';
import { type Acceptance, loadFirst, watchPolicy } from './rules.ts';
import { openServing } from './serving.ts';
import { watchSpace } from './space.ts';
import { webhookOf } from './webhook.ts';

/** How long a call waits for the server's own tool list, ms. */
const LISTING_TIMEOUT = 5_000;
/** Old audit files are looked for once the start is over, ms. */
const PRUNE_AFTER = 5_000;

export interface RunOptions extends ProxyOptions {
  readonly state: StateLocation;
}

/** Runs the proxy until its server ends; answers with the exit status. */
export async function runProxy(options: RunOptions, command: readonly string[]): Promise<number> {
  const stderr = openLineWriter(2);
  const lines = withoutSecrets(stderr, secretsIn(options));
  const ticker = createTicker();
  const beating = setInterval(ticker.beat, BEAT);
  try {
    return await run(options, command, lines, ticker.every);
  } catch (error) {
    if (!(error instanceof StoreError || error instanceof AuditError || error instanceof AdminError || error instanceof StartError))
      throw error;
    lines.write(`intercept: ${escapeUnseen(error.message)}`);
    return EXIT.failed;
  } finally {
    clearInterval(beating);
    await stderr.flush(500);
  }
}

async function run(options: RunOptions, command: readonly string[], lines: LineWriter, every: Every): Promise<number> {
  const log = createLog(options.logLevel, lines);
  const accept = acceptance(options);
  const first = await loadFirst(options.config, accept);
  if (first.kind === 'failed') {
    for (const error of first.errors) for (const line of error.split('\n')) lines.write(escapeUnseen(line));
    return EXIT.invalidPolicy;
  }
  for (const found of first.diagnostics) for (const line of renderDiagnostic(options.config, found).split('\n')) log.warn(line);
  return serve(await openParts(options, command, first.policy, lines, log, every), accept, first.seen);
}

/** What a running proxy is made of, opened in the order in which it can fail. */
interface Parts extends PresenceOptions {
  readonly options: RunOptions;
  readonly command: readonly string[];
  /** What tells this server from others: its command, or its URL. */
  readonly identity: string;
  readonly store: Store & Records;
  readonly admin: Admin;
}

async function openParts(
  options: RunOptions,
  command: readonly string[],
  policy: Policy,
  lines: LineWriter,
  log: Log,
  every: Every,
): Promise<Parts> {
  const instance = randomBytes(8).toString('hex');
  dropExposed('key', keyIn(options.home), process.env, log.warn);
  const mask = { keyedHash: openKeyedHash(loadHashKey(options.home)), known: secretsIn(options) };
  const audit = openAudit(options, instance, lines, mask);
  audit.use(policy);
  const namespace = namespaceOf(options.statePrefix, policy.name, options.config);
  const { stateTimeout: timeoutMs, maxState: maxResults, remote } = options;
  const store = await options.state.open({ namespace, timeoutMs, maxResults });
  const identity = remote ? remote.url.href : command.join('\0');
  const upstream = remote ? shownUrl(remote) : maskCommand(command);
  const admin = await openAdmin({ options, policy, store, audit, log, instance, namespace, upstream, mask, every });
  return { options, command, policy, instance, audit, namespace, store, admin, log, identity, upstream, every };
}

async function serve(parts: Parts, accept: Acceptance, seen: string | undefined): Promise<number> {
  const { options, command, policy, namespace, store, audit, log, admin, every } = parts;
  const presence = openPresence(parts);
  const monotonic = () => performance.now();
  const pauses = watchPauses({ store, monotonic, every, log, failMode: options.stateFailMode, onChange: presence.controlChanged });
  let serving: Transport | undefined;
  const rules = watchPolicy({
    path: options.config,
    first: policy,
    seen,
    accept: sameNamespace(accept, namespace, options),
    log,
    every,
    onReload(event) {
      if (event.kind === 'taken') admin.use(event.after.policy);
      serving?.reloaded(event);
      presence.reloaded(event);
    },
  });
  const ports = portsOf(parts, pauses);
  const served = servedOf(parts, rules, presence.toolsListed);
  const client = { agent: options.agent, credential: undefined };
  const env = childEnvironment(process.env, hiddenVariables(parts));
  const sessions = await openServing({ ports, served, client, options, command, env, every }).catch(async (error: unknown) => {
    await admin.stop();
    throw error;
  });
  serving = sessions;
  await pauses.poll();
  presence.start(options.config, sessions.serverPid, VERSION, rules.rejected);
  announceStart(policy, options, log);
  void announceApprovers(policy, store, log);
  const events = join(options.home, 'events');
  const unpruned = (error: unknown) => log.warn(`old audit files could not be looked for: ${String(error)}`);
  setTimeout(() => void pruneEvents(events, options.auditRetention, Date.now(), isAlive).catch(unpruned), PRUNE_AFTER).unref();
  const space = watchSpace({ folders: [events, ...options.state.folders], warn: log.warn });
  const status = await sessions.ended;
  space.stop();
  rules.stop();
  pauses.stop();
  await presence.stop(status);
  await admin.stop();
  audit.close();
  await store.close();
  return status;
}

function portsOf({ options, instance, store, audit, log, admin }: Parts, pauses: PauseWatch): Ports {
  return {
    store,
    pauses,
    approvals: watchApprovals({ approvals: store.approvals, log }),
    approvalWait: options.approvalWait,
    approvalPage: admin.pageOf,
    leases: createLeases({ store, log }),
    audit,
    log,
    clock: Date.now,
    monotonic: () => performance.now(),
    newId: openIds(instance),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    openSha256: () => createHash('sha256'),
    sign: openSigner(loadHashKey(options.home)),
    loadSchemaCompiler: async () => (await import('../policy/schema/schema.ts')).loadSchemaCompiler(),
    timeouts: { upstream: options.upstreamTimeout, listing: LISTING_TIMEOUT },
  };
}

/** The one server that this process stands in front of. */
function servedOf({ options, identity, upstream, namespace }: Parts, rules: PolicySource, toolsListed: Served['toolsListed']): Served {
  return {
    rules,
    upstream: identity,
    shownUpstream: upstream,
    namespace,
    own: options.allowSelf ? undefined : ownPaths([options.home, ...options.state.folders, options.config]),
    failMode: options.stateFailMode,
    toolsListed,
  };
}

/** Takes them out of every line. */
function withoutSecrets(lines: LineWriter, secrets: readonly string[]): LineWriter {
  if (secrets.length === 0) return lines;
  const mask = openMask(secrets);
  return { ...lines, write: (line) => lines.write(mask(line)) };
}

/** What the proxy holds and never writes anywhere (I10). */
function secretsIn({ remote, listen }: ProxyOptions): readonly string[] {
  return [...(remote ? secretsOf(remote) : []), ...(listen?.token ? [listen.token.value] : [])];
}

/** Variables whose values are no server's business (I10). */
function hiddenVariables({ options, policy }: Parts): readonly string[] {
  const { remote, listen } = options;
  return [...policy.secretEnv, ...(remote?.secretEnv ?? []), ...(listen?.token ? [listen.token.variable] : [])];
}

/** An HMAC under this machine's key; the prefix keeps it apart from the key's other uses. */
function openSigner(key: Uint8Array): Ports['sign'] {
  return (text) => createHmac('sha256', key).update(`state\0${text}`).digest('base64url');
}

/** Ids unique to this process and to all others, without asking for randomness on every call. */
function openIds(instance: string): () => string {
  let count = 0;
  return () => `${instance}-${(++count).toString(36)}`;
}

function openAudit(options: ProxyOptions, instance: string, lines: LineWriter, mask: MaskOptions) {
  const file = openFileSink({
    dir: join(options.home, 'events'),
    instance,
    clock: Date.now,
    keyedHash: mask.keyedHash,
    args: options.auditArgs,
    secrets: mask.known,
  });
  return teeSinks([file, openStderrSink({ level: options.logLevel, args: options.auditArgs, mask, write: lines })]);
}

/** `--shadow` makes a shadow of any policy (policy.md §10). */
function acceptance({ shadow }: ProxyOptions): Acceptance {
  return (policy) => {
    const webhook = webhookOf(policy, process.env);
    if (webhook.kind === 'fault') return { refusal: webhook.why };
    return { policy: shadow ? { ...policy, mode: 'shadow' as const } : policy };
  };
}

/** SPEC: policy.md §7 — a reload that would count elsewhere is refused: limits would start anew. */
function sameNamespace(accept: Acceptance, namespace: string, { statePrefix, config }: ProxyOptions): Acceptance {
  return (policy) =>
    namespaceOf(statePrefix, policy.name, config) === namespace
      ? accept(policy)
      : { refusal: '`name` was changed, and with it the counters: restart the proxy to use it' };
}

function announceProxy(url: URL, log: Log): void {
  const proxy = proxyFor(url, process.env);
  if (proxy) log.info(`${url.host} is reached through the proxy ${proxy.url.host} (${proxy.name})`);
  const unused = unusedProxy(url, process.env);
  if (unused !== undefined) log.warn(unused);
}

function announceStart(policy: Policy, options: ProxyOptions, log: Log): void {
  log.info(
    `policy ${policy.name ?? options.config} in force, revision ${policy.revision}${policy.mode === 'shadow' || options.shadow ? ' (shadow: nothing is enforced)' : ''}`,
  );
  for (const warning of options.remote ? warningsOf(options.remote) : []) log.warn(warning);
  if (options.remote) announceProxy(options.remote.url, log);
  if (options.stateFailMode === 'open') log.warn('--state-fail-mode open: while the state store fails, counters are skipped');
  if (policy.approvals.webhook && policy.approvals.webhook.secretEnv === undefined)
    log.warn('approvals.notify.webhook has no `secret_env`: who receives it cannot tell who sent it');
}

/** SPEC: policy.md §12 — who can decide is said at the start. */
async function announceApprovers({ uses }: Policy, { approvals }: Records, log: Log): Promise<void> {
  if (!uses.approvals) return;
  const secret = await approvals.secret().catch(() => undefined);
  if (secret === undefined) log.info('approvals: whoever runs as this user can decide; "intercept approvals protect" sets a secret for it');
}
