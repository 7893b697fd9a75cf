/** A real redis-server of the test's own, in memory unless told otherwise. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Link, openLink } from '../../src/state/redis/link.ts';

/** The servers that are tested against, as far as this machine has them. */
export const PROGRAMS: readonly string[] = ['redis-server', 'valkey-server'].filter((program) => Bun.which(program) !== null);
if (PROGRAMS.length === 0) console.error('left out: tests of state servers, since redis-server is not installed');

export interface RedisProcess {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** A connection for the test's own commands. */
  link(): Promise<Link>;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Starts it again on its port, with what it kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one; `more` are its options, as on its command line. */
export async function startRedis(more: readonly string[] = [], program = PROGRAMS[0] ?? 'redis-server'): Promise<RedisProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-redis-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...more];
  const begin = async () => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${program} ended: ${said}`)));
      child.stdout.on('data', (chunk) => {
        said += chunk;
        if (/eady to accept connections/.test(said)) resolve();
      });
    });
    return child;
  };
  let child = await begin();
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    host: '127.0.0.1',
    port,
    get pid() {
      return child.pid as number;
    },
    link: () => openLink({ host: '127.0.0.1', port, database: 0 }, 2_000),
    kill,
    signal: (name) => void child.kill(name),
    async restart() {
      child = await begin();
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
