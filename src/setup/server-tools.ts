/** Asks a server for its tools: shakes hands, reads all pages. A failure is reported in one line. */
import { CommandError, EXIT } from '../core/fault.ts';
import type { ResponseFrame } from '../mcp/messages/frame.ts';
import { filterToolPage, type ListedTool } from '../mcp/messages/lists.ts';
import { readServerFrame } from '../mcp/messages/server.ts';
import { VERSION } from '../process/version.ts';
import type { Remote } from '../serve/options.ts';
import { type Channel, type ChannelEvents, openCommand, openRemote, saying } from './channel.ts';

/** A server has so long for each answer, ms. */
export const PATIENCE = 30_000;
const MAX_PAGES = 100;
const MAX_TOOLS = 10_000;
/** The revision that every server with a handshake speaks, and the one of servers without. */
const PROTOCOL = '2025-06-18';
const MODERN = '2026-07-28';
const CLIENT = { name: 'intercept', version: VERSION };
const METHOD_NOT_FOUND = '-32601';

export interface AskedServer {
  readonly command: readonly string[] | undefined;
  readonly remote: Remote | undefined;
}

/** The tools of the server. Throws `CommandError`, or `StartError`. */
export async function listServerTools(
  { command = [], remote }: AskedServer,
  env: Readonly<Record<string, string | undefined>>,
  patience = PATIENCE,
): Promise<readonly ListedTool[]> {
  const asking = createAsking(patience);
  const channel = remote ? openRemote(remote, asking.events) : await openCommand(command, env, asking.events);
  try {
    return await askAll(asking.over(channel));
  } finally {
    await channel.close();
  }
}

interface Asking {
  /** Resolves with a result, or an error. Rejects with `CommandError` where there is no answer. */
  ask(method: string, params: object): Promise<ResponseFrame>;
  notify(method: string): void;
  /** From now on each request says its version itself. */
  useModern(): void;
}

async function askAll({ ask, notify, useModern }: Asking): Promise<readonly ListedTool[]> {
  const greeting = await ask('initialize', { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: CLIENT });
  if (greeting.outcome === 'error') useModern();
  else notify('notifications/initialized');
  const tools: ListedTool[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; count++) {
    const answer = await ask('tools/list', cursor === undefined ? {} : { cursor });
    if (answer.outcome === 'error') return withoutList(answer, greeting);
    const page = filterToolPage(answer, () => true);
    if (page.kind === 'unreadable') throw failed(`its tool list cannot be read: ${page.why}`);
    tools.push(...page.tools);
    if (tools.length > MAX_TOOLS) throw failed(`it has more than ${MAX_TOOLS} tools`);
    cursor = page.nextCursor;
    if (cursor === undefined) return tools;
    if (cursors.has(cursor)) throw failed('its list comes back to a page that it had already');
    cursors.add(cursor);
  }
  throw failed(`its tool list has more than ${MAX_PAGES} pages`);
}

/** A server that offers no tools does not know the method; whatever else it says is its answer. */
function withoutList(answer: ResponseFrame, greeting: ResponseFrame): readonly ListedTool[] {
  const error = errorOf(answer);
  if (error.code === METHOD_NOT_FOUND && greeting.outcome === 'result') return [];
  throw failed(`it answered "tools/list" with an error: ${error.message}`);
}

/** The code and message of an error, as far as it has them. */
function errorOf({ text, span }: ResponseFrame): { readonly code: string; readonly message: string } {
  const { error } = JSON.parse(text.slice(span.start, span.end)) as { error?: { code?: unknown; message?: unknown } };
  return { code: String(error?.code), message: JSON.stringify(String(error?.message ?? 'no message').slice(0, 200)) };
}

function createAsking(patience: number): { readonly events: ChannelEvents; over(channel: Channel): Asking } {
  const waiting = new Map<string, PromiseWithResolvers<ResponseFrame>>();
  let answer = (_: string) => {};
  let ended: CommandError | undefined;
  const fail = (why: string, help?: string) => {
    ended ??= failed(why, help);
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  const events: ChannelEvents = {
    message(bytes) {
      const frame = readServerFrame(bytes);
      if (frame.kind === 'response') waiting.get(frame.id.text)?.resolve(frame);
      else if (frame.kind === 'request') answer(answerTo(frame.idSpan ? frame.id.text : 'null', frame.method));
    },
    failed: fail,
  };
  const over = (channel: Channel): Asking => {
    let next = 0;
    let isModern = false;
    answer = (text) => channel.send(text, isModern);
    const meta = () => (isModern ? { _meta: MODERN_META } : {});
    return {
      notify: (method) => channel.send(JSON.stringify({ jsonrpc: '2.0', method }), isModern),
      useModern: () => {
        isModern = true;
      },
      async ask(method, params) {
        if (ended) throw ended;
        const id = String(++next);
        const asked = Promise.withResolvers<ResponseFrame>();
        waiting.set(id, asked);
        const timer = setTimeout(
          () => fail(lateness(method, patience, channel.noise()), 'is it an MCP server, and does it wait for something?'),
          patience,
        );
        channel.send(JSON.stringify({ jsonrpc: '2.0', id: Number(id), method, params: { ...params, ...meta() } }), isModern);
        const frame = await asked.promise.finally(() => clearTimeout(timer));
        waiting.delete(id);
        return frame;
      },
    };
  };
  return { events, over };
}

const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': CLIENT,
  'io.modelcontextprotocol/clientCapabilities': {},
} as const;

function lateness(method: string, patience: number, noise: string | undefined): string {
  return `it did not answer "${method}" within ${patience / 1000} s${saying(noise)}`;
}

/** A ping is answered; nothing else was offered to the server. */
function answerTo(id: string, method: string): string {
  return method === 'ping'
    ? `{"jsonrpc":"2.0","id":${id},"result":{}}`
    : `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}`;
}

function failed(why: string, help?: string): CommandError {
  return new CommandError(`the server's tools are not known: ${why}`, EXIT.failed, help);
}
