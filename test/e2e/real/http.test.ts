/**
 * Faithfulness over HTTP (wire.md §1, §6): real servers of every revision list and answer the same through every pair of
 * transports, byte for byte, whatever order the streams bring it in.
 */
import { afterAll, afterEach, describe, expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openClient } from '../../harness/client.ts';
import { parseMessage } from '../../harness/message.ts';
import { temporaryFolder } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { ALLOW_ALL, startProxy } from '../../harness/proxy.ts';
import { until } from '../../harness/wait.ts';
import { openSseClient, openStreamableClient, type SessionClient } from './http-client.ts';
import { HTTP_SERVERS } from './http-servers.ts';
import { REAL_SERVERS, type RealServer } from './servers.ts';
import { runSession } from './session.ts';

const TIMEOUT_MS = 90_000;

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
}, TIMEOUT_MS);

let compared = 0;
afterAll(() => console.log(`real servers over HTTP: ${compared} sessions the same as without the proxy`));

async function open<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  opened.push(started);
  return started;
}

/**
 * All that came, in an order of its own; ids that servers draw at random and `listChanged` left out (wire.md §3). What
 * belongs to no request comes when it comes: waits for as many messages as are `expected`.
 */
async function messages(client: SessionClient, server: RealServer, expected: number, folder = ''): Promise<readonly string[]> {
  try {
    const { tools } = await runSession(client, server, folder);
    expect(tools.length).toBeGreaterThan(0);
    await until('the last messages', () => (client.frames.length >= expected ? true : undefined)).catch(() => undefined);
    return client.frames.map(({ text }) => tidy(text)).sort();
  } finally {
    await client.close();
  }
}

function tidy(line: string): string {
  const text = line.trim().replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'RANDOM');
  const message = parseMessage(text);
  const tools = message?.result?.capabilities?.tools;
  if (!tools) return text;
  delete tools.listChanged;
  return JSON.stringify(message);
}

/** `/sse` beside `/mcp`. */
function sseOf(url: string): string {
  return new URL('/sse', url).href;
}

const LEGACY = (server: RealServer) => server.revision !== '2026-07-28';

for (const { name, server, transport, start } of HTTP_SERVERS) {
  describe(`${name} (${server.revision})`, () => {
    test(
      'the same through the bridge, the listener, and HTTP+SSE in front of it',
      async () => {
        const upstream = await open(start());
        const direct = async () => (transport === 'sse' ? await openSseClient(upstream.url) : openStreamableClient(upstream.url));
        const expected = await messages(await direct(), server, 0);
        const upstreamFlags = ['--upstream', upstream.url];
        const proxy = await open(startProxy({ policy: ALLOW_ALL, flags: upstreamFlags }));
        expect(await messages(proxy.client, server, expected.length)).toEqual(expected);
        const listener = await open(
          startListener({ flags: transport === 'sse' ? [...upstreamFlags, '--transport', 'sse'] : upstreamFlags }),
        );
        expect(await messages(openStreamableClient(listener.url), server, expected.length)).toEqual(expected);
        if (LEGACY(server)) expect(await messages(await openSseClient(sseOf(listener.url)), server, expected.length)).toEqual(expected);
        compared += LEGACY(server) ? 3 : 2;
      },
      TIMEOUT_MS,
    );
  });
}

describe('servers of stdio behind the listener', () => {
  test.each(REAL_SERVERS.map((server) => [server.name, server.revision, server] as const))(
    '%s (%s): the same over Streamable HTTP and HTTP+SSE',
    async (_, _revision, server) => {
      const { path: root, remove } = await temporaryFolder();
      opened.push({ [Symbol.asyncDispose]: remove });
      const folder = join(root, 'data');
      const prepare = async () => {
        await mkdir(folder, { recursive: true });
        await server.prepare?.(folder);
        return server.env?.(folder);
      };
      const env = await prepare();
      const bare = openClient(server.command(folder), { env });
      const close = () => {
        if (server.hangs) bare.kill('SIGTERM');
        return bare.close();
      };
      const expected = await messages({ ...bare, close }, server, 0, folder);
      const ways = [(url: string) => openStreamableClient(url), (url: string) => openSseClient(sseOf(url))];
      for (const way of LEGACY(server) ? ways : ways.slice(0, 1)) {
        await prepare();
        const listener = await open(startListener({ server: server.command(folder), env }));
        expect(await messages(await way(listener.url), server, expected.length, folder)).toEqual(expected);
        compared += 1;
      }
    },
    TIMEOUT_MS,
  );
});
