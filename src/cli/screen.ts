/** The whole terminal as a screen: taken over, drawn anew, and given back as it was. */
import { type Key, openKeys } from './approvals/keys.ts';
import { type Terminal, visible } from './terminal.ts';

/** The other buffer, no cursor, no wrapping, and pasted text marked as such. */
const TAKE = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?2004h';
const GIVE = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_REST = '\u001b[J';
/** Signals that ask a command to end. */
export const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface ScreenEvents {
  keys(chunk: Buffer): void;
  /** The size changed, or the process came back from being stopped. */
  redraw(): void;
  /** A signal, or the end of the input. */
  leave(): void;
}

export interface TerminalScreen {
  draw(lines: readonly string[]): void;
  close(): void;
}

/** Takes the terminal over until `close`, which also happens where this process ends without it. */
export function openScreen(terminal: Terminal, { keys, redraw, leave }: ScreenEvents): TerminalScreen {
  const { input } = terminal;
  let open = true;
  const take = () => {
    input.setRawMode?.(true);
    terminal.write(TAKE);
  };
  const give = () => {
    if (!open) return;
    open = false;
    terminal.write(GIVE);
    input.setRawMode?.(false);
  };
  const back = () => {
    take();
    redraw();
  };
  take();
  input.on('data', keys);
  // A screen before this one has paused it.
  input.resume();
  input.once('end', leave);
  const unlisten = terminal.onResize(redraw);
  for (const signal of ENDING) process.once(signal, leave);
  process.on('SIGCONT', back);
  process.once('exit', give);
  return {
    // Each line clears what was to its right, so that nothing flickers and nothing stays.
    draw: (lines) =>
      terminal.write(`${HOME}${lines.map((line) => `${visible(line, terminal.colour)}${CLEAR_LINE}`).join('\r\n')}${CLEAR_REST}`),
    close() {
      for (const signal of ENDING) process.removeListener(signal, leave);
      process.removeListener('SIGCONT', back);
      process.removeListener('exit', give);
      unlisten();
      input.removeListener('data', keys);
      input.removeListener('end', leave);
      give();
      input.pause();
    },
  };
}

const EVERY = 1_000;

/** Draws until the person leaves. Resolves then; rejects where drawing fails. What does not fit is counted in the last line. */
export async function watchScreen(draw: (width: number | undefined) => Promise<readonly string[]>, terminal: Terminal): Promise<void> {
  const left = Promise.withResolvers<void>();
  const read = openKeys();
  let lines: readonly string[] = [];
  let top = 0;
  const show = () => {
    const { columns, rows } = terminal.size() ?? { columns: 80, rows: lines.length + 1 };
    const height = Math.max(rows - 1, 1);
    top = Math.max(0, Math.min(top, lines.length - height));
    const seen = lines.slice(top, top + height);
    const below = lines.length - top - seen.length;
    screen.draw([...seen, ...Array<string>(height - seen.length).fill(''), footer(top, below, columns)]);
  };
  const press = ({ kind, ...key }: Key) => {
    const text = 'text' in key ? key.text : '';
    const page = Math.max((terminal.size()?.rows ?? 2) - 2, 1);
    if (kind === 'quit' || text === 'q') return left.resolve();
    const step = text === 'j' ? 1 : text === 'k' ? -1 : text === ' ' ? page : 0;
    top = kind === 'text' ? top + step : top + (STEPS[kind]?.(page) ?? 0);
    show();
  };
  const screen = openScreen(terminal, {
    keys: (chunk) => read(chunk).forEach(press),
    redraw: () => show(),
    leave: () => left.resolve(),
  });
  let timer: NodeJS.Timeout | undefined;
  const next = async () => {
    // What clears the rest of a line takes the last column's character with it.
    const columns = terminal.size()?.columns;
    lines = await draw(columns === undefined ? undefined : columns - 1);
    show();
    timer = setTimeout(() => next().catch(left.reject), EVERY);
  };
  next().catch(left.reject);
  try {
    await left.promise;
  } finally {
    clearTimeout(timer);
    screen.close();
  }
}

const STEPS: Partial<Readonly<Record<Key['kind'], (page: number) => number>>> = {
  up: () => -1,
  down: () => 1,
  page_up: (page) => -page,
  page_down: (page) => page,
  top: () => Number.NEGATIVE_INFINITY,
  bottom: () => Number.POSITIVE_INFINITY,
};

function footer(above: number, below: number, columns: number): string {
  const hidden = [...(above > 0 ? [`${above} above`] : []), ...(below > 0 ? [`${below} more below`] : [])].join(', ');
  const keys = hidden === '' ? 'q quits' : 'q quits   ↑ ↓ space scroll';
  return `${keys}${hidden && `   ${hidden}`}`.slice(0, columns - 1);
}
