/** One agent on stdio in front of one child process (wire.md §4): bytes to frames, back-pressure both ways, an orderly end. */
import type { Upstream } from '../../process/child.ts';
import { exitStatus, onSignals, type ProcessExit } from '../../process/exit.ts';
import { openStdio } from '../../process/stdio.ts';
import { openSession } from '../../proxy/session.ts';
import { agentSide, connect, readAgent, readServer, serverSide } from '../flow.ts';
import { awaitLastAnswers } from '../last-answers.ts';
import { notifyReload, type Opening, type Transport } from '../transport.ts';

const SWEEP = 1_000;
/** Bytes of the proxy's own answers that may wait for a slow reader, besides one whole message. */
const ANSWERS = 4 * 1024 * 1024;

/** Serves this process's own stdin and stdout. */
export function serveStdio(child: Upstream, { ports, served, client, options, every }: Opening): Transport {
  const { maxMessage } = options;
  const agent = openStdio();
  const flow = connect(agentSide(agent), serverSide(child), maxMessage + ANSWERS);
  let isOver = false;
  const stop = (how: 'graceful' | 'now', signal?: NodeJS.Signals) => {
    isOver = true;
    void child.stop(how, signal);
  };
  const session = openSession(ports, served, client, flow);

  const agentEnds = readAgent(agent, maxMessage, session, flow);
  agent.onEnd(async () => {
    agentEnds();
    session.agentGone();
    await session.agentIdle();
    await awaitLastAnswers({ session, isRead: agent.isRead, isOver: () => isOver });
    await child.stop('graceful');
  });
  agent.onError(() => stop('graceful'));

  const serverEnds = readServer(child, maxMessage, session, flow);
  const unsubscribe = onSignals((signal) => stop('now', signal));
  const stopSweep = every(SWEEP, () => {
    flow.peek();
    void session.sweep();
  });

  const ended = new Promise<ProcessExit>((resolve) => child.onExit(resolve)).then(async (exit) => {
    isOver = true;
    serverEnds();
    await session.serverIdle();
    stopSweep();
    await session.end(`the server ended (${exit.signal ?? `status ${exit.code}`}) before it answered`);
    await agent.flush(1_000);
    unsubscribe();
    return exitStatus(exit);
  });
  return { ended, serverPid: child.pid, listens: undefined, reloaded: (event) => notifyReload(event, session) };
}
