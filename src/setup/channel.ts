/** A way to a server that is asked something outside any session: its command, or its URL. Whole messages go both ways. */
import { openHttpClient } from '../http/client.ts';
import { readClientFrame } from '../mcp/messages/client.ts';
import { BODY_LIMITS } from '../mcp/messages/frame.ts';
import { headersFor } from '../mcp/messages/headers.ts';
import { createIdFinder } from '../mcp/messages/id-finder.ts';
import { createLineSplitter } from '../mcp/messages/lines.ts';
import { readServerFrame } from '../mcp/messages/server.ts';
import { type ChildOptions, startChild } from '../process/child.ts';
import { openBridge } from '../serve/bridge/bridge.ts';
import type { Remote } from '../serve/options.ts';
import { wordMask } from '../serve/remote-secrets.ts';
import { explainUnauthorized } from '../serve/upstream/authorization.ts';

/** Bytes of one message. */
const MAX_MESSAGE = 10 * 1024 ** 2;
/** Bytes that a server may send before it has answered all that it was asked. */
const MAX_BYTES = 64 * 1024 ** 2;
/** Characters of what is no message that are shown. */
const SHOWN = 80;
const GRACE = 1_000;

export interface ChannelEvents {
  message(bytes: Uint8Array): void;
  /** The server cannot answer any more. */
  failed(why: string, help?: string): void;
}

export interface Channel {
  /** One message. `modern`: of revision 2026-07-28, which says so in itself. */
  send(text: string, modern: boolean): void;
  /** The server's output that is no message, as it came; undefined where there is none. */
  noise(): string | undefined;
  close(): Promise<void>;
}

/** Starts a command and speaks with it over its stdin and stdout. Rejects with `StartError`. */
export async function openCommand(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  events: ChannelEvents,
  options: ChildOptions,
): Promise<Channel> {
  const [program = '', ...args] = command;
  const child = await startChild(program, args, env, options);
  const splitter = createLineSplitter(MAX_MESSAGE);
  let noise: string | undefined;
  let bytes = 0;
  child.onChunk((chunk) => {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return events.failed(`it sent more than ${MAX_BYTES / 1024 ** 2} MiB and did not answer`);
    for (const line of splitter.push(chunk)) {
      if (line.kind !== 'line') events.failed(`it sent a line of more than ${MAX_MESSAGE / 1024 ** 2} MiB`);
      else if (line.bytes[0] === 0x7b || line.bytes[0] === 0x5b) events.message(line.bytes);
      else if (line.bytes.length > 0) noise ??= Buffer.from(line.bytes).toString('utf8').slice(0, SHOWN);
    }
  });
  child.onExit(({ code, signal }) =>
    events.failed(
      `it ended (${signal ?? `status ${code}`}) before it answered${saying(noise)}`,
      'run the command by itself to see what it says',
    ),
  );
  return {
    send: (text) => void child.write(`${text}\n`),
    noise: () => noise,
    close: async () => void (await child.stop(options.onError ? 'now' : 'graceful')),
  };
}

/** Renders the output that is no MCP, for an error. */
export function saying(noise: string | undefined): string {
  return noise === undefined ? '' : `; what it said is no MCP: ${JSON.stringify(noise)}`;
}

/** Speaks with a remote server, as the bridge does: Streamable HTTP, else HTTP+SSE. */
export function openRemote(remote: Remote, events: ChannelEvents): Channel {
  const client = openHttpClient(remote.url, remote.headers);
  const waiting = new Set<string>();
  let login: Promise<readonly string[]> | undefined;
  const bridge = openBridge({
    client,
    maxMessage: MAX_MESSAGE,
    log: { debug() {}, info() {}, warn() {} },
    mask: wordMask(remote),
    look: createIdFinder,
    receive(messages) {
      for (const message of messages) {
        if (message.kind === 'line') {
          const frame = readServerFrame(message.bytes);
          if (frame.kind === 'response') waiting.delete(frame.id.key);
          events.message(message.bytes);
        } else events.failed(`it sent a message of more than ${MAX_MESSAGE / 1024 ** 2} MiB`);
      }
    },
    waitsFor: ({ key }) => waiting.has(key),
    fail: (ids, { why }) => {
      if (!ids.some(({ key }) => waiting.has(key))) return;
      void Promise.resolve(login).then((lines) => {
        if (lines) events.failed(lines[0] ?? why, lines[1]);
        else events.failed(why);
      });
    },
    headersFor: (frame) => headersFor(frame, () => undefined),
    relearnTools: async () => {},
    unauthorized: (asked) => {
      login ??= explainUnauthorized(asked ?? '', client, remote.headers.authorization !== undefined);
    },
  });
  return {
    send(text, modern) {
      const message = readClientFrame(Buffer.from(text), BODY_LIMITS);
      if (message.kind !== 'request' && message.kind !== 'notification' && message.kind !== 'response') return;
      const id = message.kind === 'request' ? message.id : undefined;
      if (id) waiting.add(id.key);
      bridge.send([{ bytes: text, kind: message.kind, message, id, modern }]);
    },
    noise: () => undefined,
    close: () => bridge.end(GRACE),
  };
}
