/**
 * Group commit (scale.md §4): one batch is under way, and what comes meanwhile is the next one. One call at a time waits for
 * nobody.
 */
import type { Reservable, Settlement, StoreVerdict } from '../../core/store.ts';

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
