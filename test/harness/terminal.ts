/** A command on a terminal of its own: what a person would see of it, and the keys they press. Needs util-linux. */
import { spawn, spawnSync } from 'node:child_process';
import { until } from './wait.ts';

/** Whether there is a `script` that can open a terminal here. */
export const HAS_TERMINAL = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly columns?: number;
  readonly rows?: number;
}

export interface PersonAtTerminal extends Disposable {
  /** Everything that was printed, escapes included. */
  readonly printed: () => string;
  /** The lines that were drawn last, without colours. */
  screen(): readonly string[];
  type(keys: string): void;
  /** Waits until the screen shows it. */
  untilShown(text: string): Promise<readonly string[]>;
  /** Waits until it was printed at any time. */
  untilPrinted(text: string | RegExp): Promise<string>;
  /** Presses a key again and again until something has come of it: keys count only after a second. */
  pressUntil(key: string, what: string, done: () => boolean | Promise<boolean>): Promise<void>;
  resize(columns: number, rows: number): void;
  /** Sends a signal to the command itself. */
  signal(signal: NodeJS.Signals): Promise<void>;
  readonly ended: Promise<number | null>;
}

/** Starts it. The terminal's state is printed after it has ended, as `stty -a` does. */
export function sitAtTerminal(command: readonly string[], { env, columns = 80, rows = 24 }: TerminalOptions): PersonAtTerminal {
  const quoted = command.map((part) => `'${part}'`).join(' ');
  const inner = `echo "pid=$$ tty=$(tty)."; exec ${quoted}`.replaceAll('"', '\\"').replaceAll('$', '\\$');
  const line = `stty cols ${columns} rows ${rows}; sh -c "${inner}"; echo "status=$?."; stty -a`;
  const child = spawn('script', ['-qfec', line, '/dev/null'], { env: { ...process.env, ...env, TERM: 'xterm' }, stdio: 'pipe' });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const untilPrinted = (wanted: string | RegExp) =>
    until(`${wanted} on the terminal`, () => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) || undefined, 20_000)
      .then(() => text)
      .catch((error: Error) => {
        throw new Error(`${error.message}; printed: ${JSON.stringify(text.slice(-3_000))}`);
      });
  const screen = () => linesOf(text);
  return {
    printed: () => text,
    screen,
    type: (keys) => void child.stdin.write(keys),
    untilPrinted,
    untilShown: (wanted) =>
      until(`${wanted} on the screen`, () => (screen().join('\n').includes(wanted) ? screen() : undefined), 20_000).catch(
        (error: Error) => {
          throw new Error(`${error.message}; it shows: ${screen().join('\n')}`);
        },
      ),
    async pressUntil(key, what, done) {
      // As slowly as a person: keys that come together are taken for pasted ones.
      const timer = setInterval(() => child.stdin.write(key), 150);
      await until(what, async () => (await done()) || undefined, 20_000).finally(() => clearInterval(timer));
    },
    resize: (wide, high) => void spawnSync('stty', ['-F', ttyOf(text), 'cols', `${wide}`, 'rows', `${high}`]),
    async signal(signal) {
      const [, pid] = /pid=(\d+) /.exec(await untilPrinted('pid=')) ?? [];
      process.kill(Number(pid), signal);
    },
    ended,
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

function ttyOf(text: string): string {
  return /tty=(\S+)\./.exec(text)?.[1] ?? '';
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** The last whole drawing. */
function linesOf(text: string): readonly string[] {
  const last = text.slice(text.lastIndexOf('\u001b[H'));
  const [drawn = ''] = last.replace('\u001b[H', '').replaceAll('\u001b[K', '').split('\u001b[J');
  return drawn.replace(COLOUR, '').split('\r\n');
}
