/** The live list of servers that are started (setup.md §3.2): drawn over itself on a terminal, a line each elsewhere. */
import { escapeUnseen } from '../../audit/escape.ts';
import { shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';

const MOST_NAME = 40;
const UP = (lines: number) => `\u001b[${lines}A`;
const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
  put(name: string, state: string): void;
  /** Lines that come now stand below. */
  end(): void;
}

/** Opens the list. */
export function openProgress(terminal: Terminal): Progress {
  const states = new Map<string, string>();
  let drawn = 0;
  const render = ([name, state]: readonly [string, string]) => `  ${shown(name, MOST_NAME).padEnd(MOST_NAME / 2)}  ${escapeUnseen(state)}`;
  return {
    put(name, state) {
      states.set(name, state);
      if (!terminal.isErrTty) return terminal.err(render([name, state]));
      const lines = [...states].map(render);
      terminal.ask(`${drawn > 0 ? UP(drawn) : ''}${lines.map((line) => `${CLEAR_LINE}${line}\n`).join('')}`);
      drawn = lines.length;
    },
    end() {
      states.clear();
      drawn = 0;
    },
  };
}
