/** Starts the fixture relay under a runtime, and waits for what it and its processes do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const RELAY = join(import.meta.dirname, 'fixtures/relay.ts');
const NODE = join(import.meta.dirname, '../../node_modules/.bin/node');

/** Both runtimes that the same source has to run on; Node where it is installed. */
export const RUNTIMES: readonly (readonly [string, string])[] = [['bun', process.execPath] as const, ['node', NODE] as const].filter(
  ([, path]) => existsSync(path),
);

export interface Relay {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Resolves once stderr has a match; answers with its first group. */
  said(pattern: RegExp): Promise<string>;
  /** The exit status as a shell would show it. */
  readonly status: Promise<number | string>;
  /** All of stdout, read from now on. */
  output(): Promise<Buffer>;
}

/** The relay of `runtime` in front of `command`; kinds of stdin and stdout: what Node's child_process makes, a socket pair. */
export function startRelay(runtime: string, command: readonly string[], env: Record<string, string> = {}): Relay {
  return relayOf(spawn(runtime, [RELAY, ...command], { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] }));
}

/** A shell line in which `$RELAY` is the relay's command: for real pipes. */
export function startShell(runtime: string, line: string, env: Record<string, string> = {}): Relay {
  const all = { ...process.env, ...env, RUNTIME: runtime, FIXTURE: RELAY };
  return relayOf(spawn('sh', ['-c', line.replaceAll('$RELAY', '"$RUNTIME" "$FIXTURE"')], { env: all, stdio: ['pipe', 'pipe', 'pipe'] }));
}

function relayOf(child: ChildProcess): Relay {
  let heard = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
    child.emit('heard');
  });
  child.stdin?.on('error', () => {});
  const status = once(child, 'exit').then(([code, signal]) => code ?? signal);
  return {
    process: child,
    pid: child.pid as number,
    status,
    said: async (pattern) => {
      for (;;) {
        const match = pattern.exec(heard);
        if (match) return match[1] ?? '';
        if (child.exitCode !== null) throw new Error(`relay ended (${child.exitCode}) without saying ${pattern}; it said: ${heard}`);
        await Promise.race([once(child, 'heard'), once(child, 'close')]);
      }
    },
    output: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of child.stdout ?? []) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
}

/** Waits until `holds`; the test's own time-out is the limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

/** Whether the process runs; one that only waits to be reaped does not. */
export function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The most memory that a process ever had, in MiB. */
export function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** All that a process has read, in bytes, once it reads no more. */
export async function settledInput(pid: number): Promise<number> {
  const total = () => Number(/^rchar:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
  let last = total();
  for (let same = 0; same < 20; ) {
    await sleep(10);
    const now = total();
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}

/** Runs `f` in a folder of its own. */
export async function inFolder(f: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'transport-'));
  try {
    await f(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
