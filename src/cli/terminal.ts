/** What a command may print to, and what it may know of where that goes. */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  /** stdout: the result. */
  out(text: string): void;
  /** stderr: everything else. */
  err(text: string): void;
  readonly isTty: boolean;
  /** Only on a terminal, and never with NO_COLOR (cli.md §1). */
  readonly colour: boolean;
  readonly columns: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  /** Resolves once all that was printed is with the operating system, or its reader is gone. */
  flush(): Promise<void>;
}

/** The parts of `process` that a terminal is made of. */
export interface TerminalStreams {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly stdin: Terminal['input'];
  readonly env: Terminal['env'];
}

/** Opens the terminal. A reader that goes away (`| head`) ends the output quietly, and not the command. */
export function openTerminal({ stdout, stderr, stdin, env }: TerminalStreams): Terminal {
  const isTty = stdout.isTTY === true;
  let gone = false;
  return {
    out: (text) => {
      if (gone) return;
      // Listened to from the first use on: the proxy, which prints no result, has stdout to itself.
      if (stdout.listenerCount('error') === 0) stdout.on('error', () => (gone = true));
      stdout.write(`${text}\n`);
    },
    err: (text) => void stderr.write(`${text}\n`),
    isTty,
    colour: isTty && !env.NO_COLOR,
    columns: stdout.columns ?? 80,
    env,
    get input() {
      return stdin;
    },
    flush: async () => {
      await Promise.all([drained(stdout), drained(stderr)]);
    },
  };
}

function drained(stream: Writable): Promise<void> {
  if (!stream.writable || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => stream.write('', () => resolve()));
}
