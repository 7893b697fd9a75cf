/** A screen that is drawn anew each second until `q` or Ctrl-C. */
import { openScreen } from './screen.ts';
import type { Terminal } from './terminal.ts';

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
