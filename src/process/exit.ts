/** The ends of processes: the signals that end the proxy (wire.md §4), a child's exit, and the status that stands for it. */
import { constants } from 'node:os';

/** One of `code` and `signal` is given. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The status that the proxy exits with when its child ended so (wire.md §4): the child's own, or 128 and the signal's number. */
export function exitStatus(exit: ProcessExit): number {
  if (exit.code !== null) return exit.code;
  return 128 + signalNumber(exit.signal);
}

/** A signal without a name stands as its number; one unknown counts as SIGKILL: the process did not end by itself. */
function signalNumber(signal: string | null): number {
  const known = new Map<string | null, number>(Object.entries(constants.signals));
  return known.get(signal) ?? (Number(signal) || constants.signals.SIGKILL);
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that asks the proxy, and with it the wrapped server, to end. */
export type EndingSignal = (typeof ENDING)[number];

/** Calls `f` for every ending signal instead of dying of it; the answer takes the subscription back. */
export function onSignals(f: (signal: EndingSignal) => void): () => void {
  for (const signal of ENDING) process.on(signal, f);
  return () => {
    for (const signal of ENDING) process.off(signal, f);
  };
}
