/** Servers of real SDKs over HTTP, for the bridge to reach. */

import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { BUN, NODE, ROOT } from '../../harness/paths.ts';
import { type Program, startProgram } from '../../harness/program.ts';
import { until } from '../../harness/wait.ts';

const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

/** The official test server on SDK v1, which takes a port from its environment; `before`: where another was. */
export async function startEverything(
  mode: 'streamableHttp' | 'sse',
  before?: { readonly url: string },
): Promise<Pick<Program, 'url' | 'kill'> & AsyncDisposable> {
  const port = before ? new URL(before.url).port : await freePort();
  const child = spawn(NODE, [EVERYTHING, mode], { env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (chunk: Buffer) => {
    said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()));
  await until('the server to listen', () => /on port \d+/.test(said) || undefined, 30_000);
  return {
    url: `http://127.0.0.1:${port}/${mode === 'sse' ? 'sse' : 'mcp'}`,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A server on SDK v2 that speaks both eras at one address, with sessions, an event store and retries. */
export function startDualEra(): Promise<Program> {
  return startProgram([BUN, join(ROOT, 'test/e2e/conformance/fixtures/http.ts')]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
