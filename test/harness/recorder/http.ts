/** The recording server over HTTP: Streamable HTTP, or HTTP+SSE, by hand. Prints its URL. Started with the configuration's path. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Channel, RecorderConfig } from './config.ts';
import { openCore } from './core.ts';

const config = JSON.parse(readFileSync(String(process.argv[2]), 'utf8')) as RecorderConfig;
const channel: Channel = config.channel ?? 'json';
const sessions = new Set<string>();
/** Streams that belong to no request, and what came before there was one. */
const standing: ServerResponse[] = [];
const waiting: string[] = [];
/** Lines of streams that broke off, by the id of their last event. */
const broken = new Map<string, Broken>();
interface Broken {
  readonly lines: string[];
  write: (line: string) => void;
}

let events = 0;

function writeEvent(response: ServerResponse, line: string): void {
  response.write(`event: message\nid: e${++events}\ndata: ${line}\n\n`);
}

function writeStanding(line: string): void {
  const stream = standing.at(-1);
  if (stream) writeEvent(stream, line);
  else waiting.push(line);
}

const core = openCore(config, writeStanding);

const STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };

async function readText(request: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces).toString('utf8');
}

/** Opens a stream that stays; `first` is written before what waits. */
function stand(response: ServerResponse, first: string): void {
  response.writeHead(200, STREAM).write(first);
  standing.push(response);
  response.on('close', () => void standing.splice(standing.indexOf(response), 1));
  for (const line of waiting.splice(0)) writeEvent(response, line);
}

function get(request: IncomingMessage, response: ServerResponse): void {
  const resumed = broken.get(String(request.headers['last-event-id']));
  if (!resumed) {
    stand(response, ': hello\n\n');
    return;
  }
  response.writeHead(200, STREAM).write('retry: 10\n\n');
  for (const line of resumed.lines.splice(0)) writeEvent(response, line);
  resumed.write = (line) => writeEvent(response, line);
}

async function post(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = await readText(request);
  const id = request.headers['mcp-session-id'];
  if (id !== undefined && !sessions.has(String(id))) return void response.writeHead(404).end();
  if (text.includes('"initialize"')) {
    const session = randomUUID();
    sessions.add(session);
    response.setHeader('Mcp-Session-Id', session);
  }
  const modes: Readonly<Record<Channel, () => Promise<void>>> = { json, stream, get: onGet, legacy: onGet, resumed };
  // The handshake is always answered in place: nobody listens elsewhere before it.
  if (channel !== 'legacy' && text.includes('"initialize"')) return json();
  await modes[channel]();

  async function json() {
    const lines: string[] = [];
    const answered = await core.receive(text, (line) => void lines.push(line));
    if (answered === 0 && lines.length === 0) return void response.writeHead(202).end();
    if (lines.length === 1) return void response.writeHead(200, { 'content-type': 'application/json' }).end(lines[0]);
    response.writeHead(200, STREAM);
    for (const line of lines) writeEvent(response, line);
    response.end();
  }
  async function stream() {
    let begun = false;
    const begin = () => {
      if (!begun) response.writeHead(200, STREAM).write(': comment\n\nid: p1\nretry: 10\ndata:\n\n');
      begun = true;
    };
    const answered = await core.receive(text, (line) => {
      begin();
      writeEvent(response, line);
    });
    if (!begun) response.writeHead(202).end();
    else if (answered > 0) response.end();
  }
  async function onGet() {
    response.writeHead(202).end();
    await core.receive(text, writeStanding);
  }
  async function resumed() {
    const isRequest = /"id"/.test(text) && /"method"/.test(text);
    if (!isRequest) return onGet();
    const last = `r${++events}`;
    const stream: Broken = { lines: [], write: (line) => void stream.lines.push(line) };
    broken.set(last, stream);
    response.writeHead(200, STREAM).end(`id: ${last}\nretry: 10\ndata: \n\n`);
    await core.receive(text, (line) => stream.write(line));
  }
}

const server = createServer((request, response) => {
  if (request.method === 'GET' && channel === 'legacy') return stand(response, 'event: endpoint\ndata: /message?sessionId=s1\n\n');
  if (request.method === 'GET') return get(request, response);
  if (request.method === 'POST' && (channel !== 'legacy' || request.url?.startsWith('/message'))) return void post(request, response);
  response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
});
server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${channel === 'legacy' ? 'sse' : 'mcp'}`),
);
process.once('SIGTERM', () => process.exit(0));
