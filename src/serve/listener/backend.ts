/** A server that writes to one place, behind one session of the listener: a child process, or a bridge to a remote one. */
import type { Log } from '../../engine/ports.ts';
import { openHttpClient } from '../../http/client.ts';
import { ofSender, type RequestRules, toUpstream } from '../../http/headers.ts';
import { oneLine } from '../../mcp/messages/lines.ts';
import { startChild } from '../../process/child.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { ProxySession } from '../../proxy/session.ts';
import { openBridge } from '../bridge/bridge.ts';
import { openExplainer, portsOf } from '../bridge/bridge-session.ts';
import { joinFrames, readLines } from '../flow.ts';
import type { Remote } from '../options.ts';
import { wordMask } from '../remote-secrets.ts';
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

/** Requests that are under way when a session ends have so long to finish, ms. */
const GRACE = 1_000;

/** Opens a new bridge for every session, behind clients of HTTP+SSE and before servers of it (wire.md §1). It sends those of its client's headers that may pass. */
export function bridgeBackend(remote: Remote, rules: RequestRules, maxMessage: number, log: Log): OpenBackend {
  const mask = wordMask(remote);
  return async (session, rawHeaders, nonMessage) => {
    // The bridge writes the other headers of a message itself.
    const client = openHttpClient(remote.url, { ...ofSender(toUpstream(rawHeaders, rules)), ...remote.headers });
    const bridge = openBridge(
      portsOf({
        ...{ log, client, maxMessage, session, nonMessage, explain: openExplainer(log, client, remote), mask },
        async receive(messages) {
          session().fromServer(messages);
          await session().serverIdle();
        },
      }),
    );
    return {
      send: bridge.send,
      get waiting() {
        return bridge.waiting;
      },
      sweep: bridge.sweep,
      // A remote server has no end that would be the session's: each request has its own outcome.
      ended: new Promise<never>(() => {}),
      stop: (how) => bridge.end(how === 'now' ? 0 : GRACE),
    };
  };
}

/**
 * Opens nothing before a frame goes to the server: a session that begins with a stream has its server started by its first
 * message, and by no GET (wire.md §5). `failed` is called where it then cannot be opened.
 */
export function startedByMessage(openBackend: OpenBackend, failed: (error: unknown) => void): OpenBackend {
  return async (session, rawHeaders, nonMessage) => {
    const ended = Promise.withResolvers<string>();
    let opening: Promise<Backend | undefined> | undefined;
    let opened: Backend | undefined;
    // Bounded by the transport, which takes no message while more than one of the largest waits (`waiting`).
    let early: OutgoingFrame[] = [];
    let bytes = 0;
    const open = async () => {
      opened = await openBackend(session, rawHeaders, nonMessage);
      void opened.ended.then(ended.resolve);
      opened.send(early);
      early = [];
      return opened;
    };
    const start = () =>
      open().catch((error: unknown) => {
        failed(error);
        ended.resolve('the server could not be started');
        return undefined;
      });
    return {
      send(frames) {
        if (opened) return opened.send(frames);
        early.push(...frames);
        for (const frame of frames) bytes += frame.bytes.length;
        opening ??= start();
      },
      get waiting() {
        return opened?.waiting ?? bytes;
      },
      sweep: () => opened?.sweep(),
      ended: ended.promise,
      stop: async (how) => (await opening)?.stop(how),
    };
  };
}
