/** The wrapped server: a child process in its own group (wire.md §4). */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { causeOf, FaultError } from '../core/fault.ts';
import type { ProcessExit } from './exit.ts';
import { groupLives, killStrays, type Process, signalGroup, strays } from './group.ts';
import { type SpawnedProcess, spawnProcess } from './runtime.ts';
import type { ByteSource } from './streams.ts';

/** The server has so long between the end of its input and SIGTERM, and from there to SIGKILL, ms. */
const GRACE = 1_000;
/** A dead server's pipe that stays silent for so long is held open by a process that left its group; so often is asked. */
const SILENCE = 100;
const LAST_ROUNDS = 10;
const POLL = 10;

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

/** The command could not be started, or its address not be had. */
export class StartError extends FaultError {
  override readonly name = 'StartError';
}

/** The progress of a server's end. */
interface Ending {
  /** Epoch ms of the SIGKILL that `stop` announced. */
  deadline: number;
  /** Processes that no signal to the group reaches, collected while their parents were still known. */
  readonly strays: Map<number, Process>;
  readonly timers: NodeJS.Timeout[];
  dead: boolean;
}

export interface ChildOptions {
  readonly cwd?: string | undefined;
  /** Gets what it writes to stderr, which is ours otherwise. */
  readonly onError?: ((chunk: Uint8Array) => void) | undefined;
}

/** Starts the wrapped server; rejects with `StartError`. Its stderr is ours, unless it is asked for. */
export async function startChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { cwd, onError }: ChildOptions = {},
): Promise<Upstream> {
  try {
    const child = await spawnProcess(command, args, env, { cwd, takesErrors: onError !== undefined });
    if (onError) child.errors?.onChunk(onError);
    return upstreamOf(child);
  } catch (cause) {
    throw startErrorOf(command, cause as NodeJS.ErrnoException);
  }
}

/** The system's error over a command, in words. */
function startErrorOf(command: string, cause: NodeJS.ErrnoException): StartError {
  const [why, help] = whyNot(command, cause);
  return new StartError(`command ${JSON.stringify(command)} ${why}`, { cause, help });
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

/** Why it does not start, and what to do. */
function whyNot(command: string, cause: NodeJS.ErrnoException): readonly [why: string, help: string] {
  const file = command.includes('/') ? statSync(command, { throwIfNoEntry: false }) : undefined;
  if (file?.isDirectory()) return ['is a directory', 'name the program in it'];
  if (cause.code === 'ENOENT' && file)
    return ['names an interpreter in its first line that was not found', 'install it, or name it yourself'];
  if (cause.code === 'ENOENT') return ['was not found', 'check the spelling and PATH'];
  if (cause.code === 'EACCES') return ['is not executable', `run "chmod +x ${command}", or name its interpreter first`];
  return [`could not be started: ${causeOf(cause)}`, 'run it by itself to see why'];
}

/** Throws `StartError` where no such program is to be found, or none that may be run. What it does once it runs is not asked. */
export function checkCommand(command: string, { PATH }: Readonly<Record<string, string>>): void {
  const isPath = command.includes('/');
  // There, and without PATH, the system looks in ways of its own.
  if (process.platform === 'win32' || (!isPath && PATH === undefined)) return;
  const places = isPath ? [command] : (PATH ?? '').split(delimiter).map((folder) => join(folder || '.', command));
  const faults = places.map(faultOf);
  if (faults.includes(undefined)) return;
  throw startErrorOf(command, faults.find((fault) => fault?.code === 'EACCES') ?? (faults[0] as NodeJS.ErrnoException));
}

/** Finds the reason why this is no program that may be run; undefined where it is one. */
function faultOf(file: string): NodeJS.ErrnoException | undefined {
  try {
    if (!statSync(file).isFile()) return Object.assign(new Error('it is no file'), { code: 'ENOENT' });
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

function upstreamOf(child: SpawnedProcess): Upstream {
  const { pid, input, output } = child;
  const ending: Ending = { deadline: 0, strays: new Map(), timers: [], dead: false };
  const ended = endOf(child, ending);
  const close = () => wind(child, ending, 'graceful', 'SIGTERM');
  // A server that stopped reading or writing can answer nothing more: its session is over (I9).
  input.onError(close);
  output.onEnd(close);
  return {
    pid,
    write: input.write,
    onDrain: input.onDrain,
    onChunk: output.onChunk,
    pause: () => ending.dead || output.pause(),
    resume: output.resume,
    onExit: (f) => void ended.then(f),
    closeInput: close,
    stop: async (how, signal = 'SIGTERM') => {
      ending.deadline = Date.now() + (how === 'now' ? GRACE : 2 * GRACE);
      wind(child, ending, how, signal);
      await ended;
    },
  };
}

/** Sets the end in motion. A second call adds its own, so that a signal hastens an end that had begun gracefully. */
function wind({ pid, input }: SpawnedProcess, ending: Ending, how: 'graceful' | 'now', signal: NodeJS.Signals): void {
  if (ending.dead) return;
  const watch = () => {
    for (const stray of strays(pid)) ending.strays.set(stray.pid, stray);
  };
  const send = (name: NodeJS.Signals) => {
    watch();
    signalGroup(pid, name);
  };
  const later = (ms: number, name: NodeJS.Signals) => void ending.timers.push(setTimeout(send, ms, name));
  watch();
  // Before its input ends: a server that sees the end first exits as if nobody had sent a signal.
  if (how === 'now') send(signal);
  input.end();
  if (how === 'graceful') later(GRACE, 'SIGTERM');
  later(how === 'now' ? GRACE : 2 * GRACE, 'SIGKILL');
}

/** Resolves when the child is dead, its group is dead, and its output is read to the end. */
async function endOf(child: SpawnedProcess, ending: Ending): Promise<ProcessExit> {
  const exit = await child.exited;
  ending.dead = true;
  child.output.resume();
  await groupEnd(child.pid, ending);
  await Promise.all([child.output, child.errors].map((source) => source && restOf(source)));
  child.output.close();
  child.errors?.close();
  return exit;
}

/** The pipe of dead processes holds a bounded rest: it is read to its end, even where a slow reader had paused it. */
async function restOf(output: ByteSource): Promise<void> {
  let chunks = 0;
  let over = false;
  output.onChunk(() => chunks++);
  const end = new Promise<void>((resolve) => output.onEnd(resolve)).then(() => {
    over = true;
  });
  for (let round = 0, seen = -1; !over && seen !== chunks && round < LAST_ROUNDS; round++) {
    seen = chunks;
    await Promise.race([end, sleep(SILENCE)]);
    // Where the event loop was busy for longer than the silence, what came meanwhile is read in this turn.
    await turn();
  }
}

/** Ends the rest of the group, which would keep the pipe open and outlive the proxy. After `stop` it has the time that the child had. */
async function groupEnd(pid: number, ending: Ending): Promise<void> {
  while (Date.now() < ending.deadline && groupLives(pid)) await sleep(POLL);
  ending.timers.forEach(clearTimeout);
  signalGroup(pid, 'SIGKILL');
  killStrays(ending.strays.values());
}
