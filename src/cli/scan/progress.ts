/** One line on the terminal that says how a scan goes, and goes away with it. */
import { shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';

const EVERY = 250;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const CLEAR = '\r\u001b[K';
/** A quick scan shows nothing: a line that flashes only disturbs. */
const PATIENCE = 400;

export interface ScanProgress {
  show(server: string | undefined, tools: number): void;
  end(): void;
}

/** Opens the line; where nobody sees stderr, nothing is written. */
export function openProgress(terminal: Terminal): ScanProgress {
  if (!terminal.isErrTty) return { show() {}, end() {} };
  const from = Date.now();
  let state = 'the server is starting';
  let isShown = false;
  const draw = () => {
    const waited = Date.now() - from;
    if (waited < PATIENCE) return;
    isShown = true;
    terminal.ask(`${CLEAR}${FRAMES[Math.floor(waited / EVERY) % FRAMES.length]} ${state} (${Math.floor(waited / 1000)} s)`);
  };
  const timer = setInterval(draw, EVERY);
  return {
    show(server, tools) {
      const name = server ? shown(server, 40) : 'the server';
      state = tools === 0 ? `${name} is listing its tools` : `${name}: ${tools} tools`;
      draw();
    },
    end() {
      clearInterval(timer);
      if (isShown) terminal.ask(CLEAR);
    },
  };
}
