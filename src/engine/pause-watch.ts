/** The kill switch as this process sees it (policy.md §11, cli.md §4): polled, confirmed, and never trusted when stale. */

import { type Control, type Pause, type Store, StoreError } from '../core/store.ts';
import type { Every } from '../core/ticker.ts';
import type { Log, PauseWatch } from './ports.ts';

/** ms between polls, and the age from which a reading denies, counted from when it was asked for. */
export const POLL_INTERVAL = 500;
const MAX_AGE = 1_000;

export interface PauseWatchOptions {
  readonly store: Store;
  readonly monotonic: () => number;
  readonly every: Every;
  readonly log: Log;
  /** With `open`, the last known pause stays in force while the store fails (policy.md §1.2). */
  readonly failMode: 'closed' | 'open';
  /** Called with every reading whose sequence is new, so that `pause` can wait for all processes. */
  readonly onChange: (control: Control, previous: Control | undefined) => void;
}

export interface RunningPauseWatch extends PauseWatch {
  /** Reads now; never rejects. */
  poll(): Promise<void>;
  stop(): void;
}

/** Starts polling. `current` reads again first where the last reading is too old. */
export function watchPauses(options: PauseWatchOptions): RunningPauseWatch {
  let reading: Control | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  const ask = async () => {
    // What the store says is as old as the question: an answer that took long may leave out a pause.
    const now = options.monotonic();
    const control = await options.store.control();
    const previous = reading;
    if (previous && control.sequence < previous.sequence)
      throw new StoreError(`the store knows less than it did (change ${control.sequence} after ${previous.sequence}); restart to use it`);
    reading = control;
    askedAt = now;
    if (control.sequence !== previous?.sequence) options.onChange(control, previous);
  };
  /** Whoever asks while a reading is under way gets that one. */
  const read = () => {
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  };
  const readAgain = () => read().catch(read);
  let isLost = false;
  /** Says once that the store is lost, and once that it is back. */
  const note = (fault: Error | undefined) => {
    if (isLost === (fault !== undefined)) return;
    isLost = fault !== undefined;
    if (!fault) return options.log.info('state: the store is back');
    const until = options.failMode === 'open' ? 'calls pass uncounted' : 'calls are denied';
    options.log.error(`state: the store is lost, and ${until} until it is back: ${fault.message}`);
  };
  const poll = () =>
    readAgain().then(
      () => note(undefined),
      (error: unknown) => note(error instanceof Error ? error : new Error(String(error))),
    );
  const stop = options.every(POLL_INTERVAL, () => void poll());
  const isFresh = () => options.monotonic() - askedAt <= MAX_AGE;
  /** One that was under way already may be too old once it is there. */
  const readFresh = async () => {
    await readAgain();
    if (!isFresh()) await read();
    if (!isFresh()) throw new StoreError(`the store took more than ${MAX_AGE} ms`);
  };
  const current = (policy: string | undefined) => {
    if (reading && options.monotonic() - askedAt <= MAX_AGE) return reading.pauses.length === 0 ? undefined : pauseFor(reading, policy);
    return readFresh().then(
      () => pauseFor(reading, policy),
      (error: unknown) => {
        if (options.failMode === 'open') return pauseFor(reading, policy);
        throw new StoreError('the pause could not be read', { cause: error });
      },
    );
  };
  return { current, known: (policy) => pauseFor(reading, policy), poll, stop };
}

function pauseFor(control: Control | undefined, policy: string | undefined): Pause | undefined {
  return control?.pauses.find((pause) => pause.policy === undefined || pause.policy === policy);
}
