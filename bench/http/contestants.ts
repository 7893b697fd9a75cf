/** The ways to the same HTTP server: straight, through a bare relay, through the listener with policies of two kinds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryOf } from '../agent.ts';
import { compile } from '../contestants.ts';
import { COUNTERS, STATELESS } from '../policies.ts';

export interface HttpContestant {
  readonly name: string;
  readonly url: string;
  /** MiB. */
  memory(): number;
  close(): Promise<void>;
}

export const HTTP_NAMES = {
  direct: 'direct',
  relay: 'bare fetch relay',
  stateless: 'intercept, stateless',
  counters: 'intercept, 3 counters',
} as const;

export interface HttpBench {
  readonly folder: string;
  readonly root: string;
  readonly intercept: readonly string[];
  readonly rounds: number;
  readonly calls: number;
}

/** `export` answers with 10 MiB. */
const EXPORT = '  export: {rules: []}\n';

/** Bun's fetch has 256 requests at once otherwise, and a stream is one as long as it is open. */
const UNBOUND = { BUN_CONFIG_MAX_HTTP_REQUESTS: '65000' };

/** Compiles and starts all of them. */
export async function startAll({ folder, root, intercept }: HttpBench): Promise<readonly HttpContestant[]> {
  const direct = await start(HTTP_NAMES.direct, [compile(root, 'bench/http/echo.ts', join(folder, 'http-echo'))], {});
  const relay = await start(HTTP_NAMES.relay, [compile(root, 'bench/http/relay.ts', join(folder, 'http-relay')), direct.url], UNBOUND);
  const listen = (name: string, policy: string) => {
    const home = join(folder, name.replaceAll(/\W+/g, '-'));
    const config = join(home, 'policy.yaml');
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(config, `${policy}${EXPORT}`);
    const flags = ['-c', config, '--transport', 'http', '--upstream', direct.url, '--max-sessions', '2000'];
    return start(name, [...intercept, ...flags], { INTERCEPT_HOME: join(home, 'home') });
  };
  return [direct, relay, await listen(HTTP_NAMES.stateless, STATELESS), await listen(HTTP_NAMES.counters, COUNTERS)];
}

/** Starts a program that prints its URL; what it says afterwards is read and dropped, as a supervisor would. */
async function start(name: string, command: readonly string[], env: Readonly<Record<string, string>>): Promise<HttpContestant> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (piece: Buffer) => {
      if (said.length < 65_536) said += piece.toString('utf8');
      const found = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(said.replaceAll(/upstream \S+/g, ''))?.[0];
      if (found) resolve(found);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    exited.then(() => reject(new Error(`${name} ended: ${said}`)));
  });
  const close = async () => {
    child.kill('SIGTERM');
    const stuck = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await exited.finally(() => clearTimeout(stuck));
  };
  return { name, url, memory: () => memoryOf(child.pid), close };
}
