/** Starts `worker.ts` processes for the tests, on either runtime. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Answer, Command } from './worker.ts';

export const RUNTIMES = ['bun', 'node'] as const;
export type Runtime = (typeof RUNTIMES)[number];

export interface Worker {
  readonly child: ChildProcess;
  /** Every line that the worker wrote. */
  readonly lines: string[];
  /** What it wrote on stderr: nothing, where all is well. */
  readonly complaints: () => string;
  ask(command: Command): Promise<Answer>;
  /** Writes a command without waiting for its answer. */
  tell(command: Command): void;
  /** Waits for the next line. */
  nextLine(): Promise<string | undefined>;
  /** Ends its input and waits until it is gone. */
  stop(): Promise<void>;
}

const SCRIPT = join(import.meta.dirname, 'worker.ts');
const NODE = join(import.meta.dirname, '../../node_modules/.bin/node');

/** `limit`: the largest file in bytes that it may write. */
export function startWorker(
  path: string,
  options: { readonly runtime?: Runtime; readonly timeoutMs?: number; readonly limit?: number } = {},
): Worker {
  const { runtime = 'bun', timeoutMs = 250, limit } = options;
  const command = [runtime === 'bun' ? process.execPath : NODE, SCRIPT, path, String(timeoutMs)];
  const [file = '', ...args] = limit === undefined ? command : ['prlimit', `--fsize=${limit}:unlimited`, ...command];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let complaints = '';
  const reader = createInterface({ input: child.stdout });
  const waiting: ((line: string | undefined) => void)[] = [];
  let read = 0;
  let over = false;
  const wake = () => {
    while (waiting.length > 0 && (read < lines.length || over)) waiting.shift()?.(lines[read++]);
  };
  reader.on('line', (line) => {
    lines.push(line);
    wake();
  });
  const closed = once(reader, 'close').then(() => {
    over = true;
    wake();
  });
  const exited = once(child, 'exit');
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const nextLine = () =>
    new Promise<string | undefined>((resolve) => {
      waiting.push(resolve);
      wake();
    });
  const tell = (one: Command) => void child.stdin.write(`${JSON.stringify(one)}\n`);
  return {
    child,
    lines,
    complaints: () => complaints,
    tell,
    nextLine,
    async ask(one) {
      tell(one);
      for (;;) {
        const line = await nextLine();
        if (line === undefined) throw new Error(`the worker is gone: ${complaints}`);
        if (line.startsWith('{')) return JSON.parse(line) as Answer;
      }
    },
    async stop() {
      child.stdin.end();
      await Promise.all([exited, closed]);
    },
  };
}
