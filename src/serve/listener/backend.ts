/** A server that writes to one place, behind one session of the listener: a child process, or a bridge to a remote one. */
import { oneLine } from '../../mcp/messages/lines.ts';
import { startChild } from '../../process/child.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { ProxySession } from '../../proxy/session.ts';
import { joinFrames, readLines } from '../flow.ts';
import type { NonMessageEvent } from '../upstream/read-answer.ts';

export interface Backend {
  send(frames: readonly OutgoingFrame[]): void;
  /** Bytes that the server has not read yet. */
  readonly waiting: number;
  sweep(): void;
  /** Resolves, with why, when the server can answer nothing more. */
  readonly ended: Promise<string>;
  stop(how: 'graceful' | 'now'): Promise<void>;
}

/**
 * Opens the server of one session; rejects with `StartError`. `session` is there once the first frame is sent; `nonMessage`
 * takes what the server's streams bring besides messages.
 */
export type OpenBackend = (
  session: () => ProxySession,
  rawHeaders: readonly string[],
  nonMessage: (event: NonMessageEvent) => void,
) => Promise<Backend>;

/** A new child process for every session. */
export function childBackend(command: readonly string[], env: Readonly<Record<string, string>>, maxMessage: number): OpenBackend {
  const [program = '', ...args] = command;
  return async (session) => {
    const child = await startChild(program, args, env);
    let waiting = 0;
    child.onDrain(() => {
      waiting = 0;
    });
    const ends = readLines(child, maxMessage, {
      take: (lines) => session().fromServer(lines),
      backlog: () => session().backlog().server,
      hold: (held) => (held ? child.pause() : child.resume()),
      taken: () => session().serverIdle(),
    });
    const ended = Promise.withResolvers<string>();
    child.onExit(async ({ code, signal }) => {
      ends();
      await session().serverIdle();
      ended.resolve(`the server ended (${signal ?? `status ${code}`}) before it answered`);
    });
    return {
      send(frames) {
        // A body may have line breaks between its tokens; on stdio a message is one line (wire.md §2.6).
        const bytes = joinFrames(frames.map((frame) => oneLine(frame.bytes)));
        if (!child.write(bytes)) waiting += bytes.length;
      },
      get waiting() {
        return waiting;
      },
      sweep: () => {},
      ended: ended.promise,
      stop: (how) => child.stop(how),
    };
  };
}
