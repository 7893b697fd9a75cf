/** One agent on stdio in front of a remote server (wire.md §1): frames to HTTP requests, and what comes back to frames. */

import type { Every } from '../../core/ticker.ts';
import type { Log } from '../../engine/ports.ts';
import { type HttpClient, openHttpClient } from '../../http/client.ts';
import { headersFor } from '../../mcp/messages/headers.ts';
import { createIdFinder } from '../../mcp/messages/id-finder.ts';
import { oneLine } from '../../mcp/messages/lines.ts';
import { type EndingSignal, exitStatus, onSignals } from '../../process/exit.ts';
import { type Downstream, openStdio } from '../../process/stdio.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import { openSession, type ProxySession } from '../../proxy/session.ts';
import { agentSide, connect, type Flow, readAgent, type Side } from '../flow.ts';
import { awaitLastAnswers } from '../last-answers.ts';
import type { Remote } from '../options.ts';
import { wordMask } from '../remote-secrets.ts';
import { notifyReload, type Opening, type Transport } from '../transport.ts';
import { explainUnauthorized } from '../upstream/authorization.ts';
import type { NonMessageEvent, Received } from '../upstream/read-answer.ts';
import { type Bridge, openBridge } from './bridge.ts';

const SWEEP = 1_000;
/** Bytes that may wait besides one whole message: the proxy's own answers, and what is on its way to a slow server. */
const SPARE = 4 * 1024 * 1024;
/** Requests that are under way have so long to finish once the agent has gone, ms. */
const GRACE = 1_000;

/** Serves this process's own stdin and stdout. */
export function serveBridge(remote: Remote, { ports, served, client, options, every }: Opening): Transport {
  const { maxMessage } = options;
  const agent = openStdio();
  const upstream = openHttpClient(remote.url, remote.headers);
  const gate = openGate();
  const explain = openExplainer(ports.log, upstream, remote);
  const { log } = ports;
  const bridge = openBridge(
    portsOf({ log, client: upstream, maxMessage, explain, mask: wordMask(remote), receive, session: () => session }),
  );
  const flow = connect(agentSide(agent), serverSide(bridge, gate, maxMessage + SPARE), maxMessage + SPARE);
  const session = openSession(ports, served, client, flow, { joinBatches: true });
  function receive(messages: readonly Received[]): void | Promise<void> {
    session.fromServer(messages.map(asLine));
    // Frames that came are handled before the end of their stream: else a request that they answer would seem to have no answer.
    return session.backlog().server > 0 ? session.serverIdle().then(gate.opened) : gate.opened();
  }
  agent.onEnd(readAgent(agent, maxMessage, session, flow));
  const ended = endOf({ agent, session, bridge, flow, every });
  return { ended, serverPid: undefined, listens: undefined, reloaded: (event) => notifyReload(event, session) };
}

interface PortParts {
  readonly log: Log;
  readonly client: HttpClient;
  readonly maxMessage: number;
  readonly session: () => ProxySession;
  readonly receive: (messages: readonly Received[]) => void | Promise<void>;
  readonly explain: (wwwAuthenticate: string | undefined) => void;
  readonly mask: (text: string) => string;
  readonly nonMessage?: (event: NonMessageEvent) => void;
}

/** Connects a bridge to this session. */
export function portsOf({
  log,
  client,
  maxMessage,
  session,
  receive,
  explain,
  mask,
  nonMessage,
}: PortParts): Parameters<typeof openBridge>[0] {
  return {
    client,
    maxMessage,
    log,
    mask,
    look: createIdFinder,
    receive,
    ...(nonMessage && { nonMessage }),
    waitsFor: (id) => session().waitsFor(id),
    fail: (ids, failure) => void session().upstreamFailed(ids, failure),
    // The bridge asks about the very frames that the session gave it.
    headersFor: (frame) => headersFor(frame, session().inputSchemaOf),
    relearnTools: () => session().refreshTools(),
    unauthorized: explain,
  };
}

/** A message that came in several lines, or pretty-printed, is one line over stdio. */
function asLine(message: Received): Received {
  return message.kind === 'line' ? { kind: 'line', bytes: oneLine(message.bytes) as Uint8Array } : message;
}

/** Closed while the agent reads slowly: then no more is read from the server. */
function openGate() {
  let closed: PromiseWithResolvers<void> | undefined;
  return {
    opened: () => closed?.promise,
    pause: () => {
      closed ??= Promise.withResolvers();
    },
    resume: () => {
      closed?.resolve();
      closed = undefined;
    },
  };
}

/** The bridge as one side of the flow. It counts what waits; the server is slow while that is more than `most`. */
function serverSide(bridge: Bridge, gate: ReturnType<typeof openGate>, most: number): Side<OutgoingFrame> {
  return {
    send(frames) {
      bridge.send(frames);
      return bridge.waiting <= most ? 0 : frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
    },
    onDrain: (f) => bridge.onDrain(() => bridge.waiting <= most && f()),
    pause: gate.pause,
    resume: gate.resume,
  };
}

interface Ending {
  readonly agent: Downstream;
  readonly session: ProxySession;
  readonly bridge: Bridge;
  readonly flow: Flow;
  readonly every: Every;
}

/** Resolves with the exit status when the agent has gone, or a signal came, and all that can be delivered is. */
async function endOf({ agent, session, bridge, flow, every }: Ending): Promise<number> {
  const stopSweep = every(SWEEP, () => {
    flow.peek();
    bridge.sweep();
    void session.sweep();
  });
  const over = Promise.withResolvers<void>();
  let signal: EndingSignal | undefined;
  let isUnread = false;
  agent.onEnd(over.resolve);
  agent.onError(() => {
    isUnread = true;
    over.resolve();
  });
  const unsubscribe = onSignals((came) => {
    signal ??= came;
    over.resolve();
  });
  await over.promise;
  session.agentGone();
  if (signal === undefined) await session.agentIdle();
  await awaitLastAnswers({ session, isRead: agent.isRead, isOver: () => signal !== undefined || isUnread });
  await bridge.end(signal === undefined ? GRACE : 0);
  await session.serverIdle();
  stopSweep();
  await session.end(signal === undefined ? 'the agent has gone' : `the proxy was ended by ${signal}`);
  await agent.flush(1_000);
  unsubscribe();
  return exitStatus({ code: signal === undefined ? 0 : null, signal: signal ?? null });
}

/** The most explanations of a 401 in one session: a server may ask for something else each time. */
const MOST_EXPLAINED = 8;

/** Explains to the operator what a 401 asks for, once for each challenge. */
export function openExplainer(log: Log, client: HttpClient, { headers }: Remote): (wwwAuthenticate: string | undefined) => void {
  const explained = new Set<string>();
  return (wwwAuthenticate = '') => {
    if (explained.has(wwwAuthenticate) || explained.size >= MOST_EXPLAINED) return;
    explained.add(wwwAuthenticate);
    void explainUnauthorized(wwwAuthenticate, client, headers.authorization !== undefined).then((lines) => {
      for (const line of lines) log.error(line);
    });
  };
}
