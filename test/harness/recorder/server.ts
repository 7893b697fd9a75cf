/**
 * A recording MCP server over stdio, written by hand so that no SDK cleans anything up: it logs every line it receives
 * and every call it executes, then does what its configuration says. Started with the configuration's path.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { type Answer, answerError, type Call, complete, type Io, runTool } from './behave.ts';
import type { Entry, RecorderConfig, Tool } from './config.ts';
import { cut, readMessages } from './reading.ts';
import { openTasks } from './tasks.ts';

type Message = Readonly<Record<string, unknown>>;

const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const MODERN = '2026-07-28';
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

function serve(config: RecorderConfig): void {
  const tools: Tool[] = [...(config.tools ?? [{ name: 'echo' }])];
  const log = (entry: Entry) => appendFileSync(config.ledger, `${JSON.stringify(entry)}\n`);
  const io = openIo(tools);
  const tasks = openTasks(io);
  const era = (message: Message): Call['era'] => {
    if (config.era !== 'dual') return config.era ?? 'legacy';
    return VERSION_KEY in record(record(message.params)._meta) ? 'modern' : 'legacy';
  };
  const listeners: unknown[] = [];
  io.announce = () => {
    const method = 'notifications/tools/list_changed';
    for (const id of listeners) io.write({ jsonrpc: '2.0', method, params: { _meta: { 'io.modelcontextprotocol/subscriptionId': id } } });
    if (listeners.length === 0) io.write({ jsonrpc: '2.0', method });
  };

  const respond = async (message: Message, line: string): Promise<Answer | undefined> => {
    const { method, id } = message;
    if (typeof method !== 'string') return void io.hear(message);
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
      listeners.push(id);
      const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
      return void io.write({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: call.params.notifications ?? {}, _meta },
      });
    }
    return (await tasks.answer(method, call)) ?? answerOther(method, call, config, tools);
  };

  const receive = async (line: string) => {
    log({ type: 'received', line });
    for (const value of readMessages(line, config.reader ?? 'last')) {
      if (!Array.isArray(value)) {
        const answer = await respond(record(value), line);
        if (answer) io.write(answer);
        continue;
      }
      const answers = await Promise.all(value.map((element) => respond(record(element), line)));
      const said = answers.filter((answer) => answer !== undefined);
      if (said.length > 0) io.write(said);
    }
  };

  for (const line of config.banner ?? []) io.writeLine(line);
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text: string) => {
    const lines = cut(rest + text, config.framing ?? 'lf');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') void receive(line);
  });
  process.stdin.on('end', () => {
    if (!config.ignoreEnd) process.exit(0);
    setInterval(() => {}, 60_000);
  });
}

/** stdout, and the requests of its own that wait for the client's answer. */
function openIo(tools: Tool[]): Io {
  const waiting = new Map<unknown, (message: Message) => void>();
  let ids = 0;
  const writeLine = (line: string) => void process.stdout.write(`${line}\n`);
  const write = (message: object) => writeLine(JSON.stringify(message));
  return {
    tools,
    uses: new Map(),
    write,
    writeLine,
    announce: () => {},
    hear: (message) => {
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    },
    ask: (method, params) =>
      new Promise((resolve) => {
        const id = `server-${++ids}`;
        waiting.set(id, resolve);
        write({ jsonrpc: '2.0', id, method, ...(params && { params }) });
      }),
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

serve(JSON.parse(readFileSync(String(process.argv[2]), 'utf8')) as RecorderConfig);
