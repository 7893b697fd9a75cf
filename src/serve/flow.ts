/** Lines in and frames out, and back-pressure between an agent and its server (wire.md §4): nobody is read while somebody reads slowly. */

import type { FrameBytes } from '../mcp/messages/frame.ts';
import { createLineSplitter, type Line } from '../mcp/messages/lines.ts';
import type { OutgoingFrame } from '../proxy/exchange.ts';
import type { ProxySession } from '../proxy/session.ts';

/** One side of a session, which takes frames of this kind. */
export interface Side<Frame> {
  /** Answers with the bytes that wait for a slow reader; 0 where it keeps up. */
  send(frames: readonly Frame[]): number;
  /** Calls `f` when a slow reader caught up. */
  readonly onDrain: (f: () => void) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** The process at the other end of two pipes. `write` answers false where it reads slowly. */
interface Peer extends Omit<Side<never>, 'send'> {
  onChunk(f: (chunk: Uint8Array) => void): void;
  write(bytes: FrameBytes): boolean;
}

export interface Flow {
  toAgent(frames: readonly FrameBytes[]): void;
  toServer(frames: readonly OutgoingFrame[]): void;
  /** Pauses reading from the agent while too many of its frames wait to be judged; likewise `holdServer`. */
  holdAgent(held: boolean): void;
  holdServer(held: boolean): void;
  /**
   * Reads a little more of an agent that is paused because its server reads slowly. An agent that died leaves its end
   * behind what it wrote last: without looking, a server that hangs would keep the proxy alive for ever.
   */
  peek(): void;
}

/** `peek` lets so many more bytes wait. */
const PEEK = 256 * 1024;
/** Frames that may wait to be judged before we stop reading. */
const MAX_BACKLOG = 512;
const LF = 10;
const LINE_END = Uint8Array.of(LF);

interface End {
  readonly side: Pick<Side<never>, 'pause' | 'resume'>;
  /** Bytes sent and not read; 0 while the reader keeps up. */
  waiting: number;
  /** So many of them may wait without pausing the other side. */
  excused: number;
  held: boolean;
  paused: boolean;
}

/**
 * Connects the two. A side is not read while the other reads slowly, while it is held, and once it leaves more than
 * `most` bytes unread: those are answers of the proxy itself, which would pile up without bound.
 */
export function connect(agent: Side<FrameBytes>, server: Side<OutgoingFrame>, most: number): Flow {
  const [a, s] = [openEnd(agent), openEnd(server)];
  const apply = () => {
    steer(a, s, most);
    steer(s, a, most);
  };
  const count = (end: End, bytes: number) => {
    end.waiting += bytes;
    apply();
  };
  const hold = (end: End, held: boolean) => {
    end.held = held;
    apply();
  };
  const drained = (end: End) => {
    if (end.waiting === 0) return;
    end.waiting = 0;
    end.excused = 0;
    apply();
  };
  agent.onDrain(() => drained(a));
  server.onDrain(() => drained(s));
  return {
    toAgent(frames) {
      const bytes = agent.send(frames);
      if (bytes > 0) count(a, bytes);
    },
    toServer(frames) {
      const bytes = server.send(frames);
      if (bytes > 0) count(s, bytes);
    },
    holdAgent: (held) => hold(a, held),
    holdServer: (held) => hold(s, held),
    peek() {
      if (s.waiting <= s.excused || s.waiting > most) return;
      s.excused = s.waiting + PEEK;
      apply();
    },
  };
}

function openEnd(side: End['side']): End {
  return { side, waiting: 0, excused: 0, held: false, paused: false };
}

function steer(end: End, other: End, most: number): void {
  const paused = end.held || other.waiting > other.excused || end.waiting > most;
  if (paused === end.paused) return;
  end.paused = paused;
  if (paused) end.side.pause();
  else end.side.resume();
}

/** An agent on stdio: it gets a line for each frame. */
export function agentSide({ write, onDrain, pause, resume }: Peer): Side<FrameBytes> {
  const send: Side<FrameBytes>['send'] = (frames) => {
    const bytes = joinFrames(frames);
    return write(bytes) ? 0 : bytes.length;
  };
  return { send, onDrain, pause, resume };
}

/** A server on stdio: likewise. */
export function serverSide({ write, onDrain, pause, resume }: Peer): Side<OutgoingFrame> {
  const send: Side<OutgoingFrame>['send'] = (frames) => {
    const [first] = frames;
    const bytes = joinFrames(first && frames.length === 1 ? [first.bytes] : frames.map((frame) => frame.bytes));
    return write(bytes) ? 0 : bytes.length;
  };
  return { send, onDrain, pause, resume };
}

/**
 * The frames, one line each (wire.md §2.6), as the bytes of one write. Frames that lie beside each other in the chunk they
 * came in are sent as that piece of the chunk, without a copy.
 */
export function joinFrames(frames: readonly FrameBytes[]): FrameBytes {
  const [first] = frames;
  if (typeof first === 'string' && frames.every((frame) => typeof frame === 'string')) return `${frames.join('\n')}\n`;
  const whole = first instanceof Uint8Array ? adjacent(first, frames) : undefined;
  return whole ?? Buffer.concat(frames.flatMap((frame) => [typeof frame === 'string' ? Buffer.from(frame) : frame, LINE_END]));
}

function adjacent(first: Uint8Array, frames: readonly FrameBytes[]): Uint8Array | undefined {
  let end = first.byteOffset;
  for (const frame of frames) {
    if (typeof frame === 'string' || frame.buffer !== first.buffer || frame.byteOffset !== end) return undefined;
    end = frame.byteOffset + frame.byteLength + 1;
  }
  if (end > first.buffer.byteLength) return undefined;
  const whole = new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset);
  // Between lines only an LF can stand, but for a CR that was dropped: then the next line does not begin here.
  return whole[whole.length - 1] === LF ? whole : undefined;
}

type Source = Pick<Peer, 'onChunk'>;

interface Reader {
  readonly take: (lines: readonly Line[]) => void;
  /** Frames that wait. */
  readonly backlog: () => number;
  readonly hold: (held: boolean) => void;
  /** Resolves when what waits was taken. */
  readonly taken: () => Promise<void>;
}

/** Cuts what comes into lines, and reads no more while too many wait; answers with what hands on the last one, which has no end. */
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

/** Reads the lines of a session's agent. */
export function readAgent(agent: Source, maxMessage: number, session: ProxySession, { holdAgent }: Flow): () => void {
  const { fromAgent, agentTaken } = session;
  return readLines(agent, maxMessage, { take: fromAgent, backlog: () => session.backlog().agent, hold: holdAgent, taken: agentTaken });
}

/** Reads the lines of its server. */
export function readServer(server: Source, maxMessage: number, session: ProxySession, { holdServer }: Flow): () => void {
  const { fromServer, serverIdle } = session;
  return readLines(server, maxMessage, { take: fromServer, backlog: () => session.backlog().server, hold: holdServer, taken: serverIdle });
}
