/**
 * Group commit (scale.md §4): one batch is under way, and what comes meanwhile is the next one. One call at a time waits for
 * nobody.
 */
import { type Reservable, type Settlement, StoreError, type StoreVerdict } from '../../core/store.ts';

export interface LaneBatch {
  readonly settlements: readonly Settlement[];
  readonly calls: readonly Reservable[];
}

type Verdicts = readonly (StoreVerdict | Error)[];

interface Waiting {
  readonly batch: LaneBatch;
  readonly resolve: (verdicts: Verdicts) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls and settlements of one batch. */
const MOST_CALLS = 128;

/** Hands batches to `carryOut`, one after the other; answers with a verdict, or an error, of each call. */
export function openBatchLane(carryOut: (batch: LaneBatch) => Promise<Verdicts>): (batch: LaneBatch) => Promise<Verdicts> {
  let waiting: Waiting[] = [];
  let isBusy = false;
  const next = async (): Promise<void> => {
    while (waiting.length > 0) {
      const taken = takeSome(waiting);
      waiting = waiting.slice(taken.length);
      await carryAll(taken, carryOut);
    }
    isBusy = false;
  };
  return (batch) =>
    new Promise((resolve, reject) => {
      waiting.push({ batch, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      void next();
    });
}

/** Answers by this long after the time-out of a single script, ms: that one says better what happened. */
const GRACE = 150;

/**
 * INVARIANT I9: a call is answered in time, however often the server is asked for it. What comes afterwards was for nobody,
 * and goes back.
 */
export function inTime(
  lane: (batch: LaneBatch) => Promise<Verdicts>,
  timeoutMs: number,
): (calls: readonly Reservable[]) => Promise<Verdicts> {
  return async (calls) => {
    const late = Promise.withResolvers<never>();
    const verdicts = lane({ settlements: [], calls });
    const timer = setTimeout(() => {
      late.reject(new StoreError('the state server did not decide in time'));
      void verdicts.then((all) => lane({ settlements: all.flatMap(releaseOf), calls: [] })).catch(() => {});
    }, timeoutMs + GRACE);
    try {
      return await Promise.race([verdicts, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function releaseOf(verdict: StoreVerdict | Error): readonly Settlement[] {
  if (verdict instanceof Error || verdict.kind !== 'reserved') return [];
  return [{ reservation: verdict.reservation, outcome: 'released' }];
}

function takeSome(waiting: readonly Waiting[]): readonly Waiting[] {
  let calls = 0;
  const end = waiting.findIndex(({ batch }, index) => {
    calls += batch.calls.length + batch.settlements.length;
    return index > 0 && calls > MOST_CALLS;
  });
  return end < 0 ? waiting : waiting.slice(0, end);
}

async function carryAll(taken: readonly Waiting[], carryOut: (batch: LaneBatch) => Promise<Verdicts>): Promise<void> {
  try {
    const verdicts = await carryOut({
      settlements: taken.flatMap(({ batch }) => batch.settlements),
      calls: taken.flatMap(({ batch }) => batch.calls),
    });
    let place = 0;
    for (const { batch, resolve } of taken) {
      resolve(verdicts.slice(place, place + batch.calls.length));
      place += batch.calls.length;
    }
  } catch (error) {
    for (const { reject } of taken) reject(error);
  }
}
