/** The wrapped server: a child process in its own group (wire.md §4). */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { ProcessExit } from './exit.ts';

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** How long the server has between the end of its input and SIGTERM, and from there to SIGKILL. */
const GRACE = 1_000;
/** How long after the server's death its last words may still come, where a process that left its group holds the pipe. */
const LAST_WORDS = 250;

/** Bytes to and from the wrapped server. `write` answers false where it reads slowly: then stop until `onDrain` calls. */
export interface Upstream {
  readonly pid: number;
  write(bytes: Uint8Array | string): boolean;
  onDrain(f: () => void): void;
  onChunk(f: (chunk: Uint8Array) => void): void;
  pause(): void;
  resume(): void;
  /** Called once, after the last chunk: the server is dead and so is its group. */
  onExit(f: (exit: ProcessExit) => void): void;
  closeInput(): void;
  /** Ends the server and its group: `graceful` by closing its input first, `now` by `signal` (SIGTERM) at once. Resolves at its exit. */
  stop(how: 'graceful' | 'now', signal?: NodeJS.Signals): Promise<void>;
}

/** The command could not be started; `message` says why and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Starts the wrapped server; rejects with `StartError`. Its stderr is ours. */
export async function startChild(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Upstream> {
  const child = await spawned(command, args, env);
  return upstreamOf(child, child.pid as number);
}

/**
 * The environment less `INTERCEPT_*` and every variable in `secretNames`.
 * SECURITY: INVARIANT I10: secrets that the proxy holds never reach the server's environment.
 */
export function childEnvironment(env: Readonly<Record<string, string | undefined>>, secretNames: Iterable<string>): Record<string, string> {
  const secret = new Set(secretNames);
  const kept = Object.entries(env).filter(([name, value]) => value !== undefined && !name.startsWith('INTERCEPT_') && !secret.has(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

function spawned(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Child> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(startError(command, cause));
    try {
      const child = spawn(command, args, { env, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
      child.once('error', fail);
      child.once('spawn', () => resolve(child));
    } catch (cause) {
      fail(cause as NodeJS.ErrnoException);
    }
  });
}

function startError(command: string, cause: NodeJS.ErrnoException): StartError {
  const name = JSON.stringify(command);
  if (cause.code === 'ENOENT') return new StartError(`command ${name} not found: check the spelling and PATH`, { cause });
  if (cause.code === 'EACCES')
    return new StartError(`command ${name} is not executable: check that it is a program and its permissions`, { cause });
  return new StartError(`command ${name} could not be started: ${cause.message}`, { cause });
}

function upstreamOf(child: Child, pid: number): Upstream {
  const { stdin, stdout } = child;
  const ended = exitOf(child, pid);
  const timers: NodeJS.Timeout[] = [];
  const later = (ms: number, signal: NodeJS.Signals) => void timers.push(setTimeout(() => signalGroup(pid, signal), ms));
  void ended.then(() => timers.forEach(clearTimeout));
  const stop: Upstream['stop'] = async (how, signal = 'SIGTERM') => {
    stdin.end();
    if (how === 'now') signalGroup(pid, signal);
    else later(GRACE, 'SIGTERM');
    later(how === 'now' ? GRACE : 2 * GRACE, 'SIGKILL');
    await ended;
  };
  // A server that stopped reading or writing can answer nothing more: its session is over.
  stdin.on('error', () => void stop('graceful'));
  stdout.on('error', () => void stop('graceful'));
  stdout.once('end', () => void stop('graceful'));
  return {
    pid,
    write: (bytes) => !stdin.writable || stdin.write(bytes),
    onDrain: (f) => void stdin.on('drain', f),
    onChunk: (f) => void stdout.on('data', f),
    pause: () => void stdout.pause(),
    resume: () => void stdout.resume(),
    onExit: (f) => void ended.then(f),
    closeInput: () => void stdin.end(),
    stop,
  };
}

/** Resolves when the child is dead, its group is dead, and its output is read to the end. */
function exitOf(child: Child, pid: number): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      // What the child left running would keep the pipe open and outlive the proxy.
      signalGroup(pid, 'SIGKILL');
      const done = () => resolve({ code, signal });
      const timer = setTimeout(done, LAST_WORDS);
      child.once('close', () => {
        clearTimeout(timer);
        done();
      });
      // The pipe of a dead group holds a bounded rest: it is read even where a slow reader had paused it.
      child.stdout.resume();
    });
  });
}

/** ESRCH says that the group is gone, which is what was wanted. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
