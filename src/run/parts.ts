/** The parts of a running proxy: the store, the audit, the admin server, and what enforcement needs of the process. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadHashKey, openKeyedHash } from '../audit/key.ts';
import { type MaskOptions, maskCommand, openMask } from '../audit/mask.ts';
import { openFileSink } from '../audit/sinks/file.ts';
import { type LineWriter, openLineWriter } from '../audit/sinks/line-writer.ts';
import { openStderrSink } from '../audit/sinks/stderr.ts';
import { teeSinks } from '../audit/sinks/tee.ts';
import type { Policy } from '../core/policy.ts';
import type { Records, Store } from '../core/store.ts';
import type { Every } from '../core/ticker.ts';
import { watchApprovals } from '../engine/approval-watch.ts';
import { createLeases } from '../engine/leases.ts';
import type { Log, PauseWatch, PolicySource, Ports, Served } from '../engine/ports.ts';
import type { ProxyOptions } from '../serve/options.ts';
import { secretsOf, shownUrl } from '../serve/remote-secrets.ts';
import type { StateLocation } from '../state/open.ts';
import { type Admin, openAdmin } from './admin.ts';
import { namespaceOf, ownPaths } from './home.ts';
import { dropExposed, keyIn } from './own-folders.ts';
import type { PresenceOptions } from './presence.ts';

/** A call waits so long for the server's own tool list, ms. */
const LISTING_TIMEOUT = 5_000;

/** ms from an arbitrary start that never step back. */
export const monotonic: () => number = performance.now.bind(performance);

export interface RunOptions extends ProxyOptions {
  readonly state: StateLocation;
  /** Variables that say where state is kept, and how to get in. */
  readonly hidden: readonly string[];
}

/** Standard error, line by line, without what must not be written anywhere. */
export function openLines(options: ProxyOptions): LineWriter {
  const stderr = onTerminal(openLineWriter(2));
  if (secretsIn(options).length === 0) return stderr;
  const mask = openOwnMask(options);
  return { ...stderr, write: (line) => stderr.write(mask(line)) };
}

/** Opens the mask of what the proxy holds. */
export function openOwnMask(options: ProxyOptions): (text: string) => string {
  return openMask(secretsIn(options));
}

const COLOURS: Readonly<Record<string, number>> = { WARN: 33, ERROR: 31, INFO: 36, ALLOWED: 32, APPROVED: 32, HELD: 33, DENIED: 31 };

/** On a terminal each line has the time, and its first word a colour (never with NO_COLOR); whoever reads lines by a program gets them as they are. */
function onTerminal(writer: LineWriter): LineWriter {
  if (!process.stderr.isTTY) return writer;
  const isPlain = (process.env['NO_COLOR'] ?? '') !== '';
  const paint = (line: string) =>
    line.replace(/^\[INTERCEPT\] ([A-Z]+)/, (whole, word: string) =>
      COLOURS[word] ? `[INTERCEPT] \u001b[${COLOURS[word]}m${word}\u001b[39m` : whole,
    );
  return {
    ...writer,
    write: (line) => writer.write(`${new Date().toTimeString().slice(0, 8)} ${isPlain ? line : paint(line)}`),
  };
}

/** The parts of a running proxy, opened in the order in which it can fail. */
export interface Parts extends PresenceOptions {
  readonly options: RunOptions;
  readonly command: readonly string[];
  /** Distinguishes this server from others: its command, or its URL. */
  readonly identity: string;
  readonly store: Store & Records;
  readonly admin: Admin;
}

/** Opens them. Throws `StoreError`, `AuditError` or `AdminError`. */
export async function openParts(
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
  const store = await options.state.open({
    namespace,
    timeoutMs,
    maxResults,
    warn: log.warn,
    mustLast: policy.uses.approvals || policy.uses.idempotency,
  });
  const identity = remote ? remote.url.href : command.join('\0');
  const upstream = remote ? shownUrl(remote) : maskCommand(command);
  const admin = await openAdmin({ options, policy, store, audit, log, instance, namespace, upstream, mask, every });
  return { options, command, policy, instance, audit, namespace, store, admin, log, identity, upstream, every };
}

/** Collects what the process has, whatever it serves. */
export function portsOf({ options, instance, store, audit, log, admin }: Parts, pauses: PauseWatch): Ports {
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
    monotonic,
    newId: openIds(instance),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    openSha256: () => createHash('sha256'),
    sign: openSigner(loadHashKey(options.home)),
    loadSchemaCompiler: async () => (await import('../policy/schema/schema.ts')).loadSchemaCompiler(),
    timeouts: { upstream: options.upstreamTimeout, listing: LISTING_TIMEOUT },
  };
}

/** The one server that this process stands in front of. */
export function servedOf(
  { options, identity, upstream, namespace }: Parts,
  rules: PolicySource,
  toolsListed: Served['toolsListed'],
): Served {
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

/** Collects what the proxy holds and never writes anywhere (I10). */
function secretsIn({ remote, listen }: ProxyOptions): readonly string[] {
  return [...(remote ? secretsOf(remote) : []), ...ownTokens(listen).map(({ value }) => value)];
}

function ownTokens(listen: ProxyOptions['listen']): readonly { readonly value: string; readonly variable: string }[] {
  return listen ? [...(listen.token ? [listen.token] : []), ...listen.agentTokens] : [];
}

/** Variables whose values are no server's business (I10). */
export function hiddenVariables({ options, policy }: Parts): readonly string[] {
  const { remote, listen } = options;
  return [...options.hidden, ...policy.secretEnv, ...(remote?.secretEnv ?? []), ...ownTokens(listen).map(({ variable }) => variable)];
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

/** Records go to a file of their own and, as people read them, to stderr. */
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
