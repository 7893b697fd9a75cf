/** How a process ended, and the status that stands for it. */
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

/** A signal that this platform does not name counts as SIGKILL: the process did not end by itself. */
function signalNumber(signal: string | null): number {
  return new Map(Object.entries(constants.signals)).get(signal as NodeJS.Signals) ?? constants.signals.SIGKILL;
}
