/** What sessions over stdio have in common, whatever is behind them: lines in, no more than can be judged, and reloads. */
import { createLineSplitter, type Line } from '../mcp/messages/lines.ts';
import type { ProxySession } from '../proxy/session.ts';
import type { Served } from './served.ts';

/** Frames that may wait to be judged before we stop reading. */
const MAX_BACKLOG = 512;

interface Source {
  onChunk(f: (chunk: Uint8Array) => void): void;
}

interface Reader {
  readonly take: (lines: readonly Line[]) => void;
  /** Frames that wait. */
  readonly backlog: () => number;
  readonly hold: (held: boolean) => void;
  /** Resolves when what waits was taken. */
  readonly taken: () => Promise<void>;
}

/** Cuts what comes into lines; answers with what hands on the last one, which has no end. */
export function readLines(source: Source, maxMessage: number, { take, backlog, hold, taken }: Reader): () => void {
  const lines = createLineSplitter(maxMessage);
  source.onChunk((chunk) => {
    take(lines.push(chunk));
    if (backlog() <= MAX_BACKLOG) return;
    hold(true);
    void taken().then(() => hold(false));
  });
  return () => take(lines.end());
}

/** The same for the agent. */
export function readAgent(agent: Source, maxMessage: number, session: ProxySession, hold: (held: boolean) => void): () => void {
  return readLines(agent, maxMessage, {
    take: session.fromAgent,
    backlog: () => session.backlog().agent,
    hold,
    taken: session.agentTaken,
  });
}

/** Tells the agent of the one session. */
export function reloadOf(session: ProxySession): Served['reloaded'] {
  return (event) => {
    if (event.kind !== 'rejected') session.policyChanged(event.before, event.kind === 'taken' ? event.after : undefined);
  };
}
