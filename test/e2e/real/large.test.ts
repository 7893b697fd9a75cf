/**
 * Faithfulness of what is large (wire.md §1, §2.13): a message of exactly as many bytes as `--max-message` allows by
 * default, 10 MiB, arrives byte for byte, there and back, through every pair of transports; one byte more does not.
 */
import { describe, expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { eventData, exchange, send } from '../../harness/http.ts';
import { NODE, temporaryFolder } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { ALLOW_ALL, startProxy } from '../../harness/proxy.ts';
import { type Answer, startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

const TIMEOUT_MS = 120_000;
const MAX = 10 * 1024 * 1024;
const PIECE = 'é1🎉x\\u00e9\\"\\n ';

/** A message of exactly `size` bytes, its text made of pieces that a careless relay would damage. */
function sized(size: number, before: string, after: string): string {
  const room = size - Buffer.byteLength(before + after);
  const pieces = Math.floor(room / Buffer.byteLength(PIECE));
  return `${before}${PIECE.repeat(pieces)}${'y'.repeat(room - pieces * Buffer.byteLength(PIECE))}${after}`;
}

const CALL = sized(MAX, '{"params":{"arguments":{"a":1.0,"text":"', '"},"name":"t"},"id":1,"method":"tools/call","jsonrpc":"2.0"}');
const RESULT = sized(MAX, '{"id":1,"result":{"content":[{"type":"text","text":"', '"}],"n":9007199254740993},"jsonrpc":"2.0"}');
const LONG_RESULT = RESULT.replace('"id":1,', '"id":2,').replace('y"}]', 'yy"}]');
const SHORT_CALL = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t"}}';
const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}';
const INITIALIZED =
  '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"raw","version":"1"}}}';
const NOT_FOUND = '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32601,"message":"no"}}';

/** What each server answers to this line; undefined for nothing. */
function answerTo(line: string): string | undefined {
  const id = /"id":("[^"]*"|\d+)/.exec(line.slice(-200))?.[1] ?? /"id":("[^"]*"|\d+)/.exec(line)?.[1];
  if (!line.includes('"method"') || id === undefined) return undefined;
  if (line.includes('"initialize"')) return INITIALIZED;
  if (!line.includes('"tools/call"')) return NOT_FOUND.replace('$ID', id);
  return id === '1' ? RESULT : LONG_RESULT;
}

interface Server extends AsyncDisposable {
  readonly flags: readonly string[];
  readonly command: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** The messages that it got. */
  received(): Promise<readonly string[]>;
}

const CHILD = `
const { readFileSync, appendFileSync } = require('node:fs');
const answerTo = ${answerTo.toString()};
const [INITIALIZED, NOT_FOUND, RESULT, LONG_RESULT] = JSON.parse(readFileSync(process.env.TEXTS, 'utf8'));
let pieces = [];
process.stdin.on('data', (piece) => {
  for (let at; (at = piece.indexOf(10)) >= 0; piece = piece.subarray(at + 1)) {
    const line = Buffer.concat([...pieces, piece.subarray(0, at)]).toString();
    pieces = [];
    appendFileSync(process.env.LEDGER, line + '\\n');
    const answer = answerTo(line);
    if (answer) process.stdout.write(answer + '\\n');
  }
  pieces.push(piece);
});`;

async function startChild(): Promise<Server> {
  const folder = await temporaryFolder();
  const [TEXTS, LEDGER, file] = ['texts', 'ledger', 'server.cjs'].map((name) => join(folder.path, name)) as [string, string, string];
  await writeFile(TEXTS, JSON.stringify([INITIALIZED, NOT_FOUND, RESULT, LONG_RESULT]));
  await writeFile(file, CHILD);
  return {
    flags: [],
    command: [NODE, file],
    env: { TEXTS, LEDGER },
    received: async () => (await readFile(LEDGER, 'utf8')).split('\n').slice(0, -1),
    [Symbol.asyncDispose]: folder.remove,
  };
}

/** A remote server, which answers in its own way. */
async function startRemote(answer: Answer, flags: readonly string[] = []): Promise<Server> {
  const upstream = await startUpstream(answer);
  return {
    flags: ['--upstream', upstream.url, ...flags],
    command: undefined,
    env: {},
    received: async () => upstream.received.filter(({ method }) => method === 'POST').map(({ body }) => body),
    [Symbol.asyncDispose]: upstream.close,
  };
}

const FIELDS = ': c\nid: é\nretry: 20\nevent: message\n';

function streamable(write: (response: ServerResponse, text: string) => void): Answer {
  return ({ method, body }, response) => {
    if (method !== 'POST') return void response.writeHead(405).end();
    const text = answerTo(body);
    if (text === undefined) return void response.writeHead(202).end();
    response.setHeader('mcp-session-id', 's');
    write(response, text);
  };
}

const servers = {
  'a command': startChild,
  'JSON bodies': () =>
    startRemote(streamable((response, text) => response.writeHead(200, { 'content-type': 'application/json' }).end(text))),
  events: () =>
    startRemote(
      streamable((response, text) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`${FIELDS}data: ${text}\n\n`)),
    ),
  'HTTP+SSE': () => {
    let stream: ServerResponse | undefined;
    return startRemote(({ method, path, body }, response) => {
      if (method === 'GET') {
        stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
        return void response.write('event: endpoint\ndata: /message\n\n');
      }
      response.writeHead(path === '/message' ? 202 : 405).end();
      const text = path === '/message' ? answerTo(body) : undefined;
      if (text !== undefined) stream?.write(`data: ${text}\n\n`);
    });
  },
};

interface Agent extends AsyncDisposable {
  /** Sends one request; the text of its answer. */
  ask(text: string, id: number): Promise<string>;
}

/** Starts it before the server, and says hello. */
const agents: Record<string, (server: Server) => Promise<Agent>> = {
  async stdio({ flags, command, env }) {
    const proxy = await startProxy({ policy: ALLOW_ALL, flags, server: command, env });
    const ask = async (text: string, id: number) => {
      proxy.client.sendLine(text);
      return (await proxy.client.next(({ json }) => json?.id === id && json.method === undefined, TIMEOUT_MS)).text;
    };
    await ask(INITIALIZE, 0);
    return { ask, [Symbol.asyncDispose]: proxy[Symbol.asyncDispose] };
  },
  async '/mcp'({ flags, command, env }) {
    const listener = await startListener({ flags, server: command, env });
    const opened = await exchange(listener.url, { body: INITIALIZE });
    const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' };
    const ask = async (body: string) => {
      const answer = await exchange(listener.url, { headers, body });
      if (!String(answer.headers['content-type']).startsWith('text/event-stream')) return answer.text;
      if (answer.text.startsWith(': c') && answer.text.includes('"result"')) expect(answer.text.startsWith(FIELDS)).toBe(true);
      return eventData(answer.text).join('');
    };
    return { ask, [Symbol.asyncDispose]: listener[Symbol.asyncDispose] };
  },
  async '/sse'({ flags, command, env }) {
    const listener = await startListener({ flags, server: command, env });
    const stream = await send(new URL('/sse', listener.url).href, { method: 'GET', headers: { accept: 'text/event-stream' } });
    const first = await stream.untilBody('the endpoint', (text) => text.endsWith('\n\n'));
    const endpoint = new URL(/data: (\S+)/.exec(first)?.[1] ?? '', listener.url).href;
    let from = stream.body().length;
    const ask = async (body: string) => {
      expect((await exchange(endpoint, { body })).status).toBe(202);
      return await until('the answer', () => {
        const came = stream.body().subarray(from);
        // Comments and fields may come first, by themselves.
        if (came.length < 3 || came.subarray(-2).toString() !== '\n\n') return undefined;
        const data = eventData(came.toString()).join('');
        if (data !== '') from += came.length;
        return data || undefined;
      });
    };
    await ask(INITIALIZE);
    const close = async () => {
      stream.close();
      await listener[Symbol.asyncDispose]();
    };
    return { ask, [Symbol.asyncDispose]: close };
  },
};

/** Expectations of equality that print nothing large. */
function same(text: string, expected: string): string {
  return text === expected ? 'the same' : `${text.length} in place of ${expected.length}: ${text.slice(0, 300)} … ${text.slice(-300)}`;
}

describe.each(Object.keys(agents))('by %s', (way) => {
  test.each(Object.keys(servers))(
    'before %s: 10 MiB arrive byte for byte, there and back, and one byte more is an error',
    async (kind) => {
      await using server = await servers[kind as keyof typeof servers]();
      await using agent = (await agents[way]?.(server)) as Agent;
      expect(same(await agent.ask(CALL, 1), RESULT)).toBe('the same');
      const calls = (await server.received()).filter((text) => text.includes('"tools/call"'));
      expect(calls.map((text) => same(text, CALL))).toEqual(['the same']);
      const { id, error } = JSON.parse(await agent.ask(SHORT_CALL, 2));
      expect([id, error.message]).toEqual([2, expect.stringContaining('--max-message')]);
    },
    TIMEOUT_MS,
  );
});
