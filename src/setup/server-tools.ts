/** Asks a server who it is and for its tools: shakes hands, reads all pages. A failure is reported in one line. */
import { CommandError, EXIT } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { isStrictValue } from '../mcp/json/edit.ts';
import { readJson } from '../mcp/json/values.ts';
import type { ResponseFrame } from '../mcp/messages/frame.ts';
import { filterToolPage, type ListedTool } from '../mcp/messages/lists.ts';
import { readServerFrame } from '../mcp/messages/server.ts';
import { childEnvironment } from '../process/child.ts';
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
  /** The folder that the command is started in, else ours. */
  readonly cwd?: string | undefined;
  /** It is an Intercept of ours, which needs to know its home. */
  readonly keepsHome?: boolean;
}

export interface AskOptions {
  /** The server has so long for each answer, ms. */
  readonly patience: number;
  /** `patience` is for all that it is asked together. */
  readonly isWhole?: boolean;
  /** Gets what a command writes to stderr, which is ours otherwise; it is then ended by a signal, at once. */
  readonly onError?: (chunk: Uint8Array) => void;
  /** Gets its name once it has one, and how many tools came so far. */
  readonly onProgress?: (server: string | undefined, tools: number) => void;
}

/** A server's answers. */
export interface ServerListing {
  /** Its `initialize` or `server/discover` result; undefined where that cannot be read with certainty. */
  readonly greeting: JsonObject | undefined;
  readonly isModern: boolean;
  readonly tools: readonly ListedTool[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The tools of the server. Throws `CommandError`, or `StartError`. */
export async function listServerTools(asked: AskedServer, env: Environment, patience = PATIENCE): Promise<readonly ListedTool[]> {
  return (await askServer(asked, env, { patience })).tools;
}

/** Asks the server for all that it says before a call. Throws `CommandError`, or `StartError`. */
export async function askServer(asked: AskedServer, env: Environment, options: AskOptions): Promise<ServerListing> {
  const { command = [], remote, cwd } = asked;
  const asking = createAsking(options);
  const { INTERCEPT_HOME } = env;
  const home = asked.keepsHome && INTERCEPT_HOME !== undefined ? { INTERCEPT_HOME } : {};
  try {
    const channel = remote
      ? openRemote(remote, asking.events)
      : await openCommand(command, { ...childEnvironment(env, []), ...home }, asking.events, { cwd, onError: options.onError });
    try {
      return await askAll(asking.over(channel), options);
    } finally {
      await channel.close();
    }
  } finally {
    asking.end();
  }
}

interface Asking {
  /** Resolves with a result, or an error. Rejects with `CommandError` where there is no answer. */
  ask(method: string, params: object): Promise<ResponseFrame>;
  notify(method: string): void;
  /** From now on each request says its version itself. */
  useModern(): void;
}

async function askAll(asking: Asking, { onProgress }: AskOptions): Promise<ServerListing> {
  const { greeting, isModern } = await greet(asking);
  const said = resultOf(greeting);
  const name = nameOf(said);
  onProgress?.(name, 0);
  const tools: ListedTool[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; count++) {
    const answer = await asking.ask('tools/list', cursor === undefined ? {} : { cursor });
    if (answer.outcome === 'error') return { greeting: said, isModern, tools: withoutList(answer, greeting) };
    const page = filterToolPage(answer, () => true);
    if (page.kind === 'unreadable') throw failed(`its tool list cannot be read: ${page.why}`);
    tools.push(...page.tools);
    if (tools.length > MAX_TOOLS) throw failed(`it has more than ${MAX_TOOLS} tools`);
    onProgress?.(name, tools.length);
    cursor = page.nextCursor;
    if (cursor === undefined) return { greeting: said, isModern, tools };
    if (cursors.has(cursor)) throw failed('its list comes back to a page that it had already');
    cursors.add(cursor);
  }
  throw failed(`its tool list has more than ${MAX_PAGES} pages`);
}

/** A server without a handshake is asked what it is in its own way. */
async function greet({ ask, notify, useModern }: Asking): Promise<{ readonly greeting: ResponseFrame; readonly isModern: boolean }> {
  const greeting = await ask('initialize', { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: CLIENT });
  if (greeting.outcome === 'result') {
    notify('notifications/initialized');
    return { greeting, isModern: false };
  }
  useModern();
  const discovered = await ask('server/discover', {});
  return discovered.outcome === 'result' ? { greeting: discovered, isModern: true } : { greeting, isModern: true };
}

function resultOf({ text, result }: ResponseFrame): JsonObject | undefined {
  if (!result || !isStrictValue(text, result.start)) return undefined;
  const value = readJson(text, result.start);
  return isObject(value) ? value : undefined;
}

function nameOf(greeting: JsonObject | undefined): string | undefined {
  const info = greeting?.get('serverInfo');
  const name = isObject(info) ? info.get('name') : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** A server that offers no tools does not know the method; whatever else it says is its answer. */
function withoutList(answer: ResponseFrame, greeting: ResponseFrame): readonly ListedTool[] {
  const error = errorOf(answer);
  if (error.code === METHOD_NOT_FOUND && greeting.outcome === 'result') return [];
  const first = greeting.outcome === 'error' && error.code === METHOD_NOT_FOUND ? errorOf(greeting) : undefined;
  throw failed(
    first ? `it answered "initialize" with an error: ${first.message}` : `it answered "tools/list" with an error: ${error.message}`,
  );
}

/** The code and message of an error, as far as it has them. */
function errorOf({ text, span }: ResponseFrame): { readonly code: string; readonly message: string } {
  const { error } = JSON.parse(text.slice(span.start, span.end)) as { error?: { code?: unknown; message?: unknown } };
  return { code: String(error?.code), message: JSON.stringify(String(error?.message ?? 'no message').slice(0, 200)) };
}

interface OpenAsking {
  readonly events: ChannelEvents;
  over(channel: Channel): Asking;
  /** Stops its clock. */
  end(): void;
}

function createAsking({ patience, isWhole }: AskOptions): OpenAsking {
  const waiting = new Map<string, PromiseWithResolvers<ResponseFrame>>();
  let answer = (_: string) => {};
  let late = () => fail('it did not start in time');
  let ended: CommandError | undefined;
  const clock = isWhole ? setTimeout(() => late(), patience) : undefined;
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
        late = () => fail(lateness(method, patience, channel.noise()), 'is it an MCP server, and does it wait for something?');
        const timer = isWhole ? undefined : setTimeout(late, patience);
        channel.send(JSON.stringify({ jsonrpc: '2.0', id: Number(id), method, params: { ...params, ...meta() } }), isModern);
        const frame = await asked.promise.finally(() => clearTimeout(timer));
        waiting.delete(id);
        return frame;
      },
    };
  };
  return { events, over, end: () => clearTimeout(clock) };
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
