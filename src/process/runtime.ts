/**
 * Hides what differs between Bun and Node. Both have Node's streams, but on Bun loading them adds 10 to 20 ms to a start of
 * as much, and its child_process does not say that a server closed its input (bun#34268).
 */
import type { Readable, Writable } from 'node:stream';
import type { FileSink } from 'bun';
import type { ProcessExit } from './exit.ts';
import { type ByteSink, type ByteSource, sinkOf, sourceOf } from './streams.ts';

/** The ways in which a process may be started otherwise than beside us. */
export interface SpawnOptions {
  readonly cwd?: string | undefined;
  /** Its stderr comes to us, and is not ours. */
  readonly takesErrors?: boolean | undefined;
}

/** A process that was started in a group of its own. */
export interface SpawnedProcess {
  readonly pid: number;
  readonly input: ByteSink;
  readonly output: ByteSource;
  readonly errors: ByteSource | undefined;
  readonly exited: Promise<ProcessExit>;
}

type Environment = Readonly<Record<string, string>>;

/** This process's standard input. */
export function openInput(): ByteSource {
  return isBun() ? sourceOfWeb(Bun.stdin.stream()) : sourceOf(process.stdin);
}

/** This process's standard output. */
export function openOutput(): ByteSink {
  return isBun() ? sinkOfFile(Bun.stdout.writer()) : sinkOf(process.stdout);
}

/** Starts a process in a group of its own, with our stderr unless it is asked for. Rejects with the system's error. */
export async function spawnProcess(
  command: string,
  args: readonly string[],
  env: Environment,
  options: SpawnOptions = {},
): Promise<SpawnedProcess> {
  return isBun() ? spawnOnBun(command, args, env, options) : spawnOnNode(command, args, env, options);
}

function isBun(): boolean {
  return process.versions.bun !== undefined;
}

async function spawnOnNode(
  command: string,
  args: readonly string[],
  env: Environment,
  { cwd, takesErrors }: SpawnOptions,
): Promise<SpawnedProcess> {
  const { spawn } = await import('node:child_process');
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', takesErrors ? 'pipe' : 'inherit'] });
  const exited = new Promise<ProcessExit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  const errors = child.stderr ? sourceOf(child.stderr) : undefined;
  return { pid: child.pid as number, input: sinkOf(child.stdin as Writable), output: sourceOf(child.stdout as Readable), errors, exited };
}

function spawnOnBun(command: string, args: readonly string[], env: Environment, { cwd, takesErrors }: SpawnOptions): SpawnedProcess {
  const stderr = takesErrors ? ('pipe' as const) : ('inherit' as const);
  const child = Bun.spawn([command, ...args], {
    ...(cwd !== undefined && { cwd }),
    env,
    detached: true,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr,
  });
  // Where a signal ended the process, `exitCode` stays null and `exited` answers with 128 + signal.
  const exited = child.exited.then(() => ({ code: child.exitCode, signal: child.signalCode === null ? null : String(child.signalCode) }));
  const errors = child.stderr ? sourceOfWeb(child.stderr) : undefined;
  return { pid: child.pid, input: sinkOfFile(child.stdin), output: sourceOfWeb(child.stdout), errors, exited };
}

function sourceOfWeb(stream: ReadableStream<Uint8Array>): ByteSource {
  const reader = stream.getReader();
  const listeners: ((chunk: Uint8Array) => void)[] = [];
  const ended = Promise.withResolvers<void>();
  let pausing: PromiseWithResolvers<void> | undefined;
  const read = () => reader.read().catch(() => ({ done: true as const, value: undefined }));
  // An exception of a listener is an unhandled rejection, as on Node it is an uncaught exception: never an end.
  const pump = async () => {
    for (let next = await read(); !next.done; next = await read()) {
      if (pausing) await pausing.promise;
      for (const f of listeners) f(next.value);
    }
    ended.resolve();
  };
  return {
    onChunk: (f) => {
      if (listeners.push(f) === 1) void pump();
    },
    onEnd: (f) => void ended.promise.then(f),
    pause: () => {
      pausing ??= Promise.withResolvers();
    },
    resume: () => {
      pausing?.resolve();
      pausing = undefined;
    },
    close: () => void reader.cancel().catch(() => {}),
  };
}

function sinkOfFile(sink: FileSink): ByteSink {
  const drains: (() => void)[] = [];
  const failed = Promise.withResolvers<Error>();
  let open = true;
  const fail = (error: unknown) => {
    open = false;
    failed.resolve(error as Error);
  };
  const attempt = (f: () => number | Promise<number>): number | Promise<void> => {
    try {
      const result = f();
      return typeof result === 'number' ? result : result.then(() => {}, fail);
    } catch (error) {
      fail(error);
      return 0;
    }
  };
  return {
    write: (bytes) => {
      if (!open) return true;
      // A write that does not fit answers with a promise, at itself or at the flush that sends a small one.
      const written = attempt(() => sink.write(bytes));
      const sent = attempt(() => sink.flush());
      if (typeof written === 'number' && typeof sent === 'number') return true;
      void Promise.all([written, sent]).then(() => {
        for (const f of drains) f();
      });
      return false;
    },
    onDrain: (f) => void drains.push(f),
    onError: (f) => void failed.promise.then(f),
    end: () => {
      if (open) attempt(() => sink.end());
      open = false;
    },
    flush: async () => {
      if (open) await attempt(() => sink.flush());
    },
  };
}
