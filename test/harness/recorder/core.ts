/** What the recording server is, whatever carries its messages: it logs what it receives and every call it executes. */
import { appendFileSync } from 'node:fs';
import { type Answer, answerError, type Call, complete, type Io, runTool } from './behave.ts';
import type { Entry, RecorderConfig, Tool } from './config.ts';
import { readMessages } from './reading.ts';
import { openTasks } from './tasks.ts';

type Message = Readonly<Record<string, unknown>>;

const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const MODERN = '2026-07-28';
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

export interface Core {
  /** Takes one text as it arrived; all that belongs to it goes to `writeLine`. Resolves with the number of answers. */
  receive(text: string, writeLine: (line: string) => void): Promise<number>;
}

/** Opens it; `writeRoot` takes what belongs to no request. */
export function openCore(config: RecorderConfig, writeRoot: (line: string) => void): Core {
  const tools: Tool[] = [...(config.tools ?? [{ name: 'echo' }])];
  const log = (entry: Entry) => appendFileSync(config.ledger, `${JSON.stringify(entry)}\n`);
  const openIo = openShared(tools, () => announce());
  const root = openIo(writeRoot);
  const tasks = openTasks(root);
  const era = (message: Message): Call['era'] => {
    if (config.era !== 'dual') return config.era ?? 'legacy';
    return VERSION_KEY in record(record(message.params)._meta) ? 'modern' : 'legacy';
  };
  const listeners: { readonly id: unknown; readonly io: Io }[] = [];
  const announce = () => {
    const method = 'notifications/tools/list_changed';
    for (const { id, io } of listeners)
      io.write({ jsonrpc: '2.0', method, params: { _meta: { 'io.modelcontextprotocol/subscriptionId': id } } });
    if (listeners.length === 0) root.write({ jsonrpc: '2.0', method });
  };

  const respond = async (message: Message, line: string, io: Io): Promise<Answer | undefined> => {
    const { method, id } = message;
    if (typeof method !== 'string') return void root.hear(message);
    const call: Call = { id, era: era(message), params: record(message.params), calls: 0 };
    if (method === 'tools/call') {
      log({ type: 'executed', tool: String(call.params.name), arguments: call.params.arguments, id: id as string, line });
      const tool = tools.find((t) => t.name === call.params.name);
      const answer = tool ? await runTool(tool, call, io, tasks) : answerError(call, -32602, `unknown tool: ${call.params.name}`);
      return id === undefined ? undefined : answer;
    }
    log({ type: 'request', method, params: message.params, line });
    if (id === undefined) return undefined;
    if (method === 'subscriptions/listen') {
      listeners.push({ id, io });
      const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
      return void io.write({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: call.params.notifications ?? {}, _meta },
      });
    }
    return (await tasks.answer(method, call)) ?? answerOther(method, call, config, tools);
  };

  const receive = async (line: string, writeLine: (line: string) => void) => {
    const io = openIo(writeLine);
    log({ type: 'received', line });
    let answered = 0;
    for (const value of readMessages(line, config.reader ?? 'last')) {
      const values = Array.isArray(value) ? value : [value];
      const answers = (await Promise.all(values.map((each) => respond(record(each), line, io)))).filter((answer) => answer !== undefined);
      answered += answers.length;
      if (Array.isArray(value) && answers.length > 0) io.write(answers);
      else for (const answer of answers) io.write(answer);
    }
    return answered;
  };

  return { receive };
}

/** What all exchanges share, and how each writes and asks: by its own `writeLine`. */
function openShared(tools: Tool[], announce: () => void) {
  const waiting = new Map<unknown, (message: Message) => void>();
  const shared = { tools, uses: new Map<string, number>(), announce };
  let ids = 0;
  const hear = (message: Message) => {
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  };
  return (writeLine: (line: string) => void): Io => {
    const write = (message: object) => writeLine(JSON.stringify(message));
    const ask: Io['ask'] = (method, params) =>
      new Promise((resolve) => {
        const id = `server-${++ids}`;
        waiting.set(id, resolve);
        write({ jsonrpc: '2.0', id, method, ...(params && { params }) });
      });
    return { ...shared, hear, write, writeLine, ask };
  };
}

/** Answers to everything but calls and tasks. */
function answerOther(method: string, call: Call, config: RecorderConfig, tools: readonly Tool[]): Answer {
  const capabilities = config.capabilities ?? { tools: { listChanged: true } };
  const configured = config.methods?.[method];
  if (configured) return complete(call, configured);
  if (method === 'initialize' && config.era !== 'modern') {
    const known = VERSIONS.slice(0, VERSIONS.indexOf(config.version ?? '2025-11-25') + 1);
    const asked = String(call.params.protocolVersion);
    const protocolVersion = known.includes(asked) ? asked : known.at(-1);
    return complete(call, { protocolVersion, capabilities, serverInfo: { name: 'recorder', version: '1' } });
  }
  if (method === 'server/discover' && config.era && config.era !== 'legacy') {
    return complete({ ...call, era: 'modern' }, { supportedVersions: [MODERN], capabilities, ttlMs: 0, cacheScope: 'private' });
  }
  if (method === 'ping') return complete(call, {});
  if (method === 'tools/list') return complete(call, { ...page(tools, config.pageSize, call.params.cursor), ...caching(call) });
  return answerError(call, -32601, `method not found: ${method}`);
}

function caching(call: Call): object {
  return call.era === 'modern' ? { ttlMs: 0, cacheScope: 'private' } : {};
}

function page(tools: readonly Tool[], size: number | undefined, cursor: unknown): object {
  const from = typeof cursor === 'string' ? Number(cursor) : 0;
  const to = size ? from + size : tools.length;
  const entries = tools.slice(from, to).map(({ name, description, inputSchema, more }) => ({
    name,
    description: description ?? `the tool ${name}`,
    inputSchema: inputSchema ?? { type: 'object' },
    ...more,
  }));
  return { tools: entries, ...(to < tools.length && { nextCursor: String(to) }) };
}

function record(value: unknown): Message {
  return typeof value === 'object' && value !== null ? (value as Message) : {};
}
