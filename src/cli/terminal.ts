/** The terminal that a command prints to, and what it may know of it. */
import type { Readable, Writable } from 'node:stream';
import { escapeUnseen } from '../audit/escape.ts';

export interface Terminal {
  /** stdout: the result. */
  out(text: string): void;
  /** stderr: everything else. */
  err(text: string): void;
  /** stdout, as it is: for what draws a screen. */
  write(text: string): void;
  /** stderr, as it is: for a question that is answered on the same line. */
  ask(text: string): void;
  readonly isTty: boolean;
  /** True where a person sees stderr. */
  readonly isErrTty: boolean;
  /** Of the terminal behind stdout; undefined where there is none. */
  size(): Size | undefined;
  /** Calls back when the size changes, until the returned function is called. */
  onResize(listener: () => void): () => void;
  /** True while anybody reads stdout. */
  isRead(): boolean;
  /** Only on a terminal, and never with NO_COLOR (cli.md §1). */
  readonly colour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: TerminalStreams['stdin'];
  /** Resolves once all that was printed is with the operating system, or its reader is gone. */
  flush(): Promise<void>;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The parts of `process` that a terminal is made of. */
export interface TerminalStreams {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens the terminal. A reader that goes away (`| head`) ends the output quietly, and not the command.
 * Each stream is touched at its first use only: the proxy reads and writes the descriptors itself, and on Bun looking
 * at `process.stdin` takes its input away.
 */
export function openTerminal(streams: TerminalStreams): Terminal {
  const used = new Set<Writable>();
  const print = (stream: Writable, text: string) => {
    if (!used.has(stream)) stream.on('error', () => {});
    used.add(stream);
    if (stream.writable) stream.write(text);
  };
  return {
    out: (text) => print(streams.stdout, `${visible(text, hasColour(streams))}\n`),
    err: (text) => print(streams.stderr, `${visible(text, hasColour(streams))}\n`),
    write: (text) => print(streams.stdout, text),
    ask: (text) => print(streams.stderr, text),
    get isTty() {
      return streams.stdout.isTTY === true;
    },
    get isErrTty() {
      return streams.stderr.isTTY === true;
    },
    get colour() {
      return hasColour(streams);
    },
    size() {
      const { isTTY, columns, rows } = streams.stdout;
      return isTTY && columns && rows ? { columns, rows } : undefined;
    },
    onResize(listener) {
      streams.stdout.on('resize', listener);
      return () => streams.stdout.removeListener('resize', listener);
    },
    isRead: () => streams.stdout.writable,
    env: streams.env,
    get input() {
      return streams.stdin;
    },
    flush: async () => {
      await Promise.all([...used].map(drained));
    },
  };
}

function hasColour({ stdout, env }: TerminalStreams): boolean {
  return stdout.isTTY === true && !env.NO_COLOR;
}

const PLAIN = /^[\n\t\x20-\x7e]*$/;
const LAYOUT = /([\n\t])/;
/** Our own colours beside that, and no other sequence. */
const COLOURED = new RegExp(`([\\n\\t]|${String.fromCharCode(27)}\\[(?:31|32|33|36|39|1|2|22)m)`);

/**
 * SECURITY: what is printed quotes agents, servers and names of files, also as JSON. Whatever a command forgot to make
 * visible is escaped here: nothing that others wrote moves a cursor or turns the reading direction.
 */
export function visible(text: string, colour: boolean): string {
  if (PLAIN.test(text)) return text;
  const parts = text.split(colour ? COLOURED : LAYOUT);
  return parts.map((part, i) => (i % 2 === 0 ? escapeUnseen(part) : part)).join('');
}

function drained(stream: Writable): Promise<void> {
  if (!stream.writable || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => stream.write('', () => resolve()));
}
