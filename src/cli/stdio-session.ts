/** One agent on stdio in front of one child process (wire.md §4): bytes to frames, back-pressure both ways, an orderly end. */
import { createLineSplitter } from '../mcp/lines.ts';
import type { ProxyDeps } from '../proxy/deps.ts';
import { openSession } from '../proxy/session.ts';
import type { Upstream } from '../transport/child.ts';
import { exitStatus, type ProcessExit } from '../transport/exit.ts';
import { joinFrames } from '../transport/frames.ts';
import { onSignals } from '../transport/signals.ts';
import { openStdio } from '../transport/stdio.ts';
import { connect } from './flow.ts';
import type { Served } from './served.ts';

interface Serving {
  readonly deps: ProxyDeps;
  readonly child: Upstream;
  readonly maxMessage: number;
}

/** Frames that may wait to be judged before we stop reading. */
const MAX_BACKLOG = 512;
const SWEEP = 1_000;
/** Bytes of the proxy's own answers that may wait for a slow reader, besides one whole message. */
const ANSWERS = 4 * 1024 * 1024;

/** Serves this process's own stdin and stdout. */
export function serveStdio({ deps, child, maxMessage }: Serving): Served {
  const agent = openStdio();
  const flow = connect(agent, child, maxMessage + ANSWERS);
  const session = openSession(deps, {
    toServer: (frames) => flow.toServer(joinFrames(frames.map(({ bytes }) => bytes))),
    toAgent: (frames) => flow.toAgent(joinFrames(frames)),
  });

  const fromAgent = createLineSplitter(maxMessage);
  agent.onChunk((chunk) => {
    session.fromAgent(fromAgent.push(chunk));
    if (session.backlog().agent <= MAX_BACKLOG) return;
    flow.holdAgent(true);
    void session.agentTaken().then(() => flow.holdAgent(false));
  });
  agent.onEnd(async () => {
    session.fromAgent(fromAgent.end());
    session.agentGone();
    await session.agentIdle();
    await child.stop('graceful');
  });
  agent.onError(() => void child.stop('graceful'));

  const fromServer = createLineSplitter(maxMessage);
  child.onChunk((chunk) => {
    session.fromServer(fromServer.push(chunk));
    if (session.backlog().server <= MAX_BACKLOG) return;
    flow.holdServer(true);
    void session.serverIdle().then(() => flow.holdServer(false));
  });
  const unsubscribe = onSignals((signal) => void child.stop('now', signal));
  const sweeping = setInterval(() => {
    flow.peek();
    void session.sweep();
  }, SWEEP);
  sweeping.unref();

  const ended = new Promise<ProcessExit>((resolve) => child.onExit(resolve)).then(async (exit) => {
    session.fromServer(fromServer.end());
    await session.serverIdle();
    clearInterval(sweeping);
    await session.end(`the server ended (${exit.signal ?? `status ${exit.code}`}) before it answered`);
    await agent.flush(1_000);
    unsubscribe();
    return exitStatus(exit);
  });
  return {
    ended,
    serverPid: child.pid,
    reloaded(event) {
      if (event.kind !== 'rejected') session.policyChanged(event.before, event.kind === 'taken' ? event.after : undefined);
    },
  };
}
