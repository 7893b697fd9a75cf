/** Back-pressure between an agent and its server (wire.md §4): who is read while somebody reads slowly. */

/** One side of a session. `write` answers false where its reader is slow; `onDrain` says that it caught up. */
export interface Side {
  write(bytes: Uint8Array | string): boolean;
  onDrain(f: () => void): void;
  pause(): void;
  resume(): void;
}

export interface Flow {
  toAgent(bytes: Uint8Array | string): void;
  toServer(bytes: Uint8Array | string): void;
  /** Frames of the agent wait to be judged in too great a number, or no longer do; likewise `holdServer`. */
  holdAgent(held: boolean): void;
  holdServer(held: boolean): void;
  /**
   * Reads a little more of an agent that is paused because its server reads slowly. An agent that died leaves its end
   * behind what it wrote last: without looking, a server that hangs would keep the proxy alive for ever.
   */
  peek(): void;
}

/** How much that is. */
const PEEK = 256 * 1024;

interface End {
  readonly side: Side;
  /** Bytes written and not read; 0 while the reader keeps up. */
  waiting: number;
  /** How many of them leave the other side read nevertheless. */
  excused: number;
  held: boolean;
  paused: boolean;
}

/**
 * Connects the two. A side is not read while the other reads slowly, while it is held, and once it leaves more than
 * `most` bytes unread: those are answers of the proxy itself, which would pile up without bound.
 */
export function connect(agent: Side, server: Side, most: number): Flow {
  const [a, s] = [openEnd(agent), openEnd(server)];
  const apply = () => {
    steer(a, s, most);
    steer(s, a, most);
  };
  const send = (to: End, bytes: Uint8Array | string) => {
    if (to.side.write(bytes)) return;
    to.waiting += bytes.length;
    apply();
  };
  const hold = (end: End, held: boolean) => {
    end.held = held;
    apply();
  };
  for (const end of [a, s])
    end.side.onDrain(() => {
      end.waiting = 0;
      end.excused = 0;
      apply();
    });
  return {
    toAgent: (bytes) => send(a, bytes),
    toServer: (bytes) => send(s, bytes),
    holdAgent: (held) => hold(a, held),
    holdServer: (held) => hold(s, held),
    peek() {
      if (s.waiting <= s.excused || s.waiting > most) return;
      s.excused = s.waiting + PEEK;
      apply();
    },
  };
}

function openEnd(side: Side): End {
  return { side, waiting: 0, excused: 0, held: false, paused: false };
}

function steer(end: End, other: End, most: number): void {
  const paused = end.held || other.waiting > other.excused || end.waiting > most;
  if (paused === end.paused) return;
  end.paused = paused;
  if (paused) end.side.pause();
  else end.side.resume();
}
