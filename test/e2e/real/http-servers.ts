/** Real MCP servers over HTTP, of every revision: which, at which URL, and what to ask them. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { BUN, NODE, ROOT } from '../../harness/paths.ts';
import { type Program, startProgram } from '../../harness/program.ts';
import { REAL_SERVERS, type RealServer } from './servers.ts';

export interface HttpServer {
  /** What it is asked, as over stdio. */
  readonly server: RealServer;
  readonly name: string;
  readonly transport: 'streamable' | 'sse';
  readonly start: () => Promise<Program>;
}

const PACKAGES = join(ROOT, 'node_modules');

/** A port that nobody has, for programs that must be told one. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts a program on a port of our choice; it serves once it says `ready`. */
async function startOn(command: (port: string) => readonly string[], path: string, ready: RegExp): Promise<Program> {
  const port = String(await freePort());
  const program = await startProgram(command(port), { PORT: port }, ready);
  return { ...program, url: `http://127.0.0.1:${port}${path}` };
}

function named(name: string): RealServer {
  const found = REAL_SERVERS.find((server) => server.name === name);
  if (!found) throw new Error(`no server ${name}`);
  return found;
}

/** Some answers name what a server holds for all its sessions, or how it was reached: not those. */
function without(server: RealServer, ...names: readonly string[]): RealServer {
  const asks = (folder: string) => server.asks(folder).filter(([, params]) => !names.some((name) => params.includes(name)));
  return { ...server, asks };
}

const EVERYTHING = join(PACKAGES, '@modelcontextprotocol/server-everything/dist/index.js');

function fixture(name: 'sdk-1.12' | 'sdk-1.20', transport: HttpServer['transport'], revision: RealServer['revision']): HttpServer {
  const way = transport === 'sse' ? 'sse' : 'http';
  const start = () => startProgram([BUN, join(ROOT, `test/fixtures/servers/${name}.ts`), way]);
  return { server: { ...named(name), revision }, name: `${name} ${way}`, transport, start };
}

/** The conformance server: SDK 2, both eras at one address. */
function both(revision: RealServer['revision']): HttpServer {
  const ask = (name: string, more = ''): readonly [string, string] => ['tools/call', `{"name":"${name}","arguments":{}${more}}`];
  const server: RealServer = {
    name: 'conformance',
    revision,
    command: () => [],
    lists: ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'],
    asks: () => [
      ask('test_simple_text'),
      ask('test_image_content'),
      ask('test_multiple_content_types'),
      ask('test_error_handling'),
      ...(revision === '2026-07-28' ? [] : [ask('test_tool_with_progress', ',"_meta":{"progressToken":"é"}')]),
      ask('no_such_tool'),
      ['resources/read', '{"uri":"test://template/1/data"}'],
      ['prompts/get', '{"name":"test_prompt_with_arguments","arguments":{"arg1":"é","arg2":"\\u00e9"}}'],
    ],
  };
  const start = () => startProgram([NODE, join(ROOT, 'test/e2e/conformance/fixtures/http.ts')]);
  return { server, name: `SDK 2, ${revision}`, transport: 'streamable', start };
}

const ONCE = ['trigger-', 'subscribe', 'get-roots'];

export const HTTP_SERVERS: readonly HttpServer[] = [
  {
    server: without(named('server-everything'), ...ONCE),
    name: 'server-everything streamableHttp',
    transport: 'streamable',
    start: () => startOn(() => [NODE, EVERYTHING, 'streamableHttp'], '/mcp', /listening on port/),
  },
  {
    server: without(named('server-everything'), ...ONCE),
    name: 'server-everything sse',
    transport: 'sse',
    start: () => startOn(() => [NODE, EVERYTHING, 'sse'], '/sse', /running on port/),
  },
  {
    server: named('context7'),
    name: 'context7 http',
    transport: 'streamable',
    start: () =>
      startOn(
        (port) => [NODE, join(PACKAGES, '@upstash/context7-mcp/dist/index.js'), '--transport', 'http', '--port', port],
        '/mcp',
        /running on HTTP/,
      ),
  },
  fixture('sdk-1.12', 'streamable', '2025-03-26'),
  fixture('sdk-1.12', 'sse', '2024-11-05'),
  fixture('sdk-1.20', 'streamable', '2025-06-18'),
  both('2025-11-25'),
  both('2026-07-28'),
];
