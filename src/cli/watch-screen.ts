/** A screen that is drawn anew each second until `q` or Ctrl-C. */
import type { Terminal } from './terminal.ts';

const EVERY = 1_000;
const HOME_AND_CLEAR = '\u001b[H\u001b[2J';

/** Draws until the person leaves. Resolves then; rejects where drawing fails. */
export async function watchScreen(draw: () => Promise<readonly string[]>, terminal: Terminal): Promise<void> {
  const { input } = terminal;
  const left = Promise.withResolvers<void>();
  const onKey = (key: Buffer) => {
    if (key.includes(3) || key.includes(113) || key.includes(4)) left.resolve();
  };
  input.setRawMode?.(true);
  input.on('data', onKey);
  const onSignal = () => left.resolve();
  process.once('SIGINT', onSignal);
  let timer: NodeJS.Timeout | undefined;
  const show = async () => {
    terminal.out(`${HOME_AND_CLEAR}${(await draw()).join('\n')}`);
    timer = setTimeout(() => show().catch(left.reject), EVERY);
  };
  try {
    await show();
    await left.promise;
  } finally {
    clearTimeout(timer);
    process.removeListener('SIGINT', onSignal);
    input.removeListener('data', onKey);
    input.setRawMode?.(false);
    input.pause();
  }
}
