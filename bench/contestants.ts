import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant } from './agent.ts';
import { COUNTERS, manyRules, STATELESS } from './policies.ts';

/** The contestants' names, in the table's order. */
export const NAMES = {
  direct: 'direct',
  relay: 'bare relay',
  least: 'relay, frames read, recorded',
  stateless: 'intercept, stateless',
  counters: 'intercept, 3 counters',
  few: 'intercept, 10 rules',
  many: 'intercept, 10,000 rules',
} as const;

export interface Field {
  readonly contestants: Contestant[];
  /** What could not take part, and why. */
  readonly missing: readonly string[];
}

/** Compiles the server and the relay as the proxy itself is compiled, and writes the policies. */
export async function contestantsIn(folder: string, root: string, intercept: readonly string[]): Promise<Field> {
  const server = compile(root, 'bench/echo-server.ts', join(folder, 'echo-server'));
  const relay = compile(root, 'bench/relay.ts', join(folder, 'relay'));
  const direct = { name: NAMES.direct, command: [server], env: {} };
  const relayed = { name: NAMES.relay, command: [relay, '--', server], env: {} };
  const recorded = { name: NAMES.least, command: [compile(root, 'bench/least.ts', join(folder, 'least')), '--', server], env: {} };
  const program = intercept.at(-1) ?? '';
  if (!existsSync(program))
    return {
      contestants: [direct, relayed, recorded],
      missing: [`intercept: ${program} does not exist: build it, or name it with --intercept`],
    };
  const behind = (name: string, policy: string): Contestant => {
    const home = join(folder, name.replaceAll(/\W+/g, '-'));
    const config = join(home, 'policy.yaml');
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(config, policy);
    return { name, command: [...intercept, '-c', config, '--', server], env: { INTERCEPT_HOME: join(home, 'home') } };
  };
  const proxied = [
    behind(NAMES.stateless, STATELESS),
    behind(NAMES.counters, COUNTERS),
    behind(NAMES.few, manyRules(10)),
    behind(NAMES.many, manyRules(10_000)),
  ];
  return { contestants: [direct, relayed, recorded, ...proxied], missing: [] };
}

/** Compiles a program as the proxy itself is compiled. */
export function compile(root: string, source: string, target: string): string {
  execFileSync(
    process.execPath,
    ['build', '--compile', '--bytecode', '--format=esm', '--minify', join(root, source), '--outfile', target],
    {
      stdio: 'ignore',
    },
  );
  return target;
}
