/** Programs that serve over HTTP and say where: fixtures on stdout, Intercept on stderr. */
import { spawn } from 'node:child_process';
import { ALLOW_ALL, type ProxyOptions, type Setup, setUpProxy } from './proxy.ts';
import { PATIENCE_MS } from './wait.ts';

export interface Program {
  readonly url: string;
  readonly pid: number;
  /** What it wrote so far, on both. */
  output(): string;
  kill(signal?: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

const URL_PATTERN = /https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+\/\S*/;

/** Starts a program and waits for the first URL of this machine, or for `ready`, in what it says. Use with `await using`. */
export async function startProgram(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  ready: RegExp = URL_PATTERN,
): Promise<Program> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces: string[] = [];
  const exited = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${file} named no URL: ${pieces.join('')}`)), 2 * PATIENCE_MS);
    const hear = (piece: Buffer) => {
      pieces.push(piece.toString('utf8'));
      const found = ready.exec(pieces.join(''))?.[0];
      if (found) resolve(found);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    exited.then((code) => reject(new Error(`${file} ended with ${code}: ${pieces.join('')}`)));
    exited.finally(() => clearTimeout(timer));
  });
  return {
    url,
    pid: child.pid ?? -1,
    output: () => pieces.join(''),
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    exited,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await exited.finally(() => clearTimeout(timer));
    },
  };
}

/** Intercept listening on HTTP in front of an upstream URL (among `flags`) or of a command. */
export async function startListener(options: Partial<ProxyOptions>): Promise<Program & Pick<Setup, 'home' | 'policyFile'>> {
  const { flags = [] } = options;
  const listening = flags.includes('--transport') ? flags : ['--transport', 'http', ...flags];
  const setup = await setUpProxy({ policy: ALLOW_ALL, ...options, flags: listening });
  const program = await startProgram(setup.command, setup.env).catch(async (error: unknown) => {
    await setup.remove();
    throw error;
  });
  const dispose = async () => {
    await program[Symbol.asyncDispose]();
    await setup.remove();
  };
  return { ...program, home: setup.home, policyFile: setup.policyFile, [Symbol.asyncDispose]: dispose };
}
