/** The whole terminal as a screen: taken over, drawn anew, and given back as it was. */
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
/** `q`, Ctrl-C, Ctrl-D. */
const LEAVING = [113, 3, 4];

/** Draws until the person leaves. Resolves then; rejects where drawing fails. What does not fit is left out. */
export async function watchScreen(draw: () => Promise<readonly string[]>, terminal: Terminal): Promise<void> {
  const left = Promise.withResolvers<void>();
  let lines: readonly string[] = [];
  const show = () => screen.draw(lines.slice(0, terminal.size()?.rows ?? lines.length));
  const screen = openScreen(terminal, {
    keys: (chunk) => {
      if (LEAVING.some((key) => chunk.includes(key))) left.resolve();
    },
    redraw: () => show(),
    leave: () => left.resolve(),
  });
  let timer: NodeJS.Timeout | undefined;
  const next = async () => {
    lines = await draw();
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
