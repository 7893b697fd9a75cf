/** `intercept -c policy.yaml …`: one running proxy, from its start to its end. The composition root. */
import { isatty } from 'node:tty';
import { escapeUnseen } from '../audit/escape.ts';
import type { LineWriter } from '../audit/sinks/line-writer.ts';
import { createLog, withoutRepeats } from '../audit/sinks/log.ts';
import { renderDiagnostic } from '../authoring/policy-file.ts';
import { AuditError } from '../core/audit.ts';
import { EXIT } from '../core/fault.ts';
import type { Policy } from '../core/policy.ts';
import { type Records, StoreError } from '../core/store.ts';
import { BEAT, createTicker, type Every } from '../core/ticker.ts';
import { watchPauses } from '../engine/pause-watch.ts';
import type { Log } from '../engine/ports.ts';
import { proxyFor, unusedProxy } from '../http/proxies.ts';
import { childEnvironment, StartError, startChild } from '../process/child.ts';
import { VERSION } from '../process/version.ts';
import type { ProxyOptions } from '../serve/options.ts';
import { warningsOf } from '../serve/remote-secrets.ts';
import { serveStdio } from '../serve/stdio/stdio-session.ts';
import type { Opening, Reload, Transport } from '../serve/transport.ts';
import { AdminError } from './admin.ts';
import { watchDisk } from './disk.ts';
import { namespaceOf } from './home.ts';
import { hiddenVariables, monotonic, openLines, openOwnMask, openParts, type Parts, portsOf, type RunOptions, servedOf } from './parts.ts';
import { libraryIdOf, notesOnLibrary } from './policy-text.ts';
import { openPresence } from './presence.ts';
import { type Acceptance, keepPolicy, loadFirst, watchPolicy } from './rules.ts';
import { webhookOf } from './webhook.ts';

/** Runs the proxy until its server ends; answers with the exit status. */
export async function runProxy(options: RunOptions, command: readonly string[]): Promise<number> {
  const lines = openLines(options);
  const ticker = createTicker();
  const beating = setInterval(ticker.beat, BEAT);
  try {
    return await run(options, command, lines, ticker.every);
  } catch (error) {
    if (!(error instanceof StoreError || error instanceof AuditError || error instanceof AdminError || error instanceof StartError))
      throw error;
    lines.write(`intercept: ${escapeUnseen(error.message)}`);
    if (error.help !== undefined) lines.write(`help: ${escapeUnseen(error.help)}`);
    return EXIT.failed;
  } finally {
    clearInterval(beating);
    await lines.flush(500);
  }
}

async function run(options: RunOptions, command: readonly string[], lines: LineWriter, every: Every): Promise<number> {
  const log = withoutRepeats(createLog(options.logLevel, lines, false, openOwnMask(options)), monotonic);
  const accept = acceptance(options);
  const first = await loadFirst(options.config, accept);
  if (first.kind === 'failed') {
    for (const error of first.errors) for (const line of error.split('\n')) lines.write(escapeUnseen(line));
    return EXIT.invalidPolicy;
  }
  for (const found of first.diagnostics) for (const line of renderDiagnostic(options.config, found).split('\n')) log.warn(line);
  return serve(await openParts(options, command, first.policy, lines, log, every), accept, first.seen);
}

async function serve(parts: Parts, accept: Acceptance, seen: string | undefined): Promise<number> {
  const { options, command, policy, namespace, store, audit, log, admin, every } = parts;
  const presence = openPresence(parts);
  const pauses = watchPauses({ store, monotonic, every, log, failMode: options.stateFailMode, onChange: presence.controlChanged });
  let transport: Transport | undefined;
  const onReload = (event: Reload) => {
    if (event.kind === 'taken') {
      admin.use(event.after.policy);
      if (event.after.policy.uses.agents) warnOfNobody(options, log);
    }
    transport?.reloaded(event);
    presence.reloaded(event);
  };
  const watched = { path: options.config, first: policy, seen, accept: sameNamespace(accept, namespace, options), log, every, onReload };
  const rules = libraryIdOf(options.config) === undefined ? watchPolicy(watched) : keepPolicy(policy);
  const ports = portsOf(parts, pauses);
  const served = servedOf(parts, rules, presence.toolsListed);
  const client = { agent: options.agent, credential: undefined };
  const env = childEnvironment(process.env, hiddenVariables(parts));
  const opening: Opening = { ports, served, client, options, every };
  transport = await openTransport(opening, command, env).catch(async (error: unknown) => {
    await admin.stop();
    throw error;
  });
  await pauses.poll();
  const { serverPid, listens } = transport;
  presence.start({ config: options.config, serverPid, listens, page: admin.page, version: VERSION, notInForce: rules.rejected });
  announceStart(policy, options, log);
  for (const { level, text } of await notesOnLibrary(options.config, command)) log[level](text);
  void announceApprovers(policy, store, log);
  const disk = watchDisk(options, log.warn);
  const status = await transport.ended;
  disk.stop();
  rules.stop();
  pauses.stop();
  await presence.stop(status);
  await admin.stop();
  audit.close();
  await store.close();
  return status;
}

/**
 * Opens the shape that this proxy has (wire.md §1): how agents reach it, and how it reaches the server. Rejects with
 * `StartError`. What a plain proxy does not need is not loaded.
 */
async function openTransport(opening: Opening, command: readonly string[], env: Readonly<Record<string, string>>): Promise<Transport> {
  const { listen, remote } = opening.options;
  if (listen) {
    const { listenBefore, listenBeforeCommand } = await import('../serve/listener/listener.ts');
    const listening = { ...opening, listen };
    return remote ? listenBefore(remote, listening) : listenBeforeCommand(command, env, listening);
  }
  if (remote) return (await import('../serve/bridge/bridge-session.ts')).serveBridge(remote, opening);
  const [program = '', ...args] = command;
  return serveStdio(await startChild(program, args, env), opening);
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

/** Where nothing names agents, a limit of each is one of all, and a rule about some binds everybody (policy.md §6). */
function warnOfNobody({ agent, listen }: ProxyOptions, log: Log): void {
  if (agent !== undefined || listen?.agentTokens.length) return;
  const how = listen ? '--agent-token NAME=VARIABLE tells the clients of a listener apart' : '--agent NAME names the agent';
  log.warn(`the policy has "agents" or "per: agent", and nothing names an agent: all count as one, and every rule binds them; ${how}`);
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
  if (policy.uses.agents) warnOfNobody(options, log);
  for (const warning of options.remote ? warningsOf(options.remote) : []) log.warn(warning);
  if (options.remote) announceProxy(options.remote.url, log);
  if (options.stateFailMode === 'open') log.warn('--state-fail-mode open: while the state store fails, counters are skipped');
  if (policy.approvals.webhook && policy.approvals.webhook.secretEnv === undefined)
    log.warn('approvals.notify.webhook has no `secret_env`: who receives it cannot tell who sent it');
  if (options.listen || !isatty(0)) return;
  // Typed by a person, it would say nothing more, and wait.
  log.info('waiting for an MCP client to speak on stdin: clients start this command themselves; Ctrl-C ends it');
  log.info('help: docs/clients.md shows where to write it; "--transport http" listens for clients instead');
}

/** SPEC: policy.md §12 — who can decide is said at the start. */
async function announceApprovers({ uses }: Policy, { approvals }: Records, log: Log): Promise<void> {
  if (!uses.approvals) return;
  const secret = await approvals.secret().catch(() => undefined);
  if (secret === undefined) log.info('approvals: whoever runs as this user can decide; "intercept approvals protect" sets a secret for it');
}
