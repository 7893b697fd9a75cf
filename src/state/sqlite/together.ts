/**
 * Calls, and the ends of calls, that come close together share a transaction, and its wait for the disk. The first in a
 * turn of the event loop is written at once, so that one call at a time waits for nobody; what comes while that turn lasts
 * is written together when it is over.
 */
import { type Reservable, type Settlement, type Store, StoreError, type StoreVerdict } from '../../core/store.ts';
import { isBusy } from './lane.ts';

/** The work of one transaction: it ends what has ended, and then judges the calls in order. */
export interface Batch {
  readonly settlements: readonly Settlement[];
  readonly calls: readonly Reservable[];
}

type Write = (batch: Batch) => Promise<readonly StoreVerdict[]>;

interface Asked {
  readonly batch: Batch;
  readonly resolve: (verdicts: readonly StoreVerdict[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface Together extends Pick<Store, 'reserve' | 'settle'> {
  /** Writes what waits now: something else is to be done after it. */
  flush(): void;
}

/** Nothing waits yet. `write` carries out a batch in a transaction: all of it, or nothing. */
export function openTogether(write: Write): Together {
  let waiting: Asked[] = [];
  let inTurn = false;
  const flush = () => {
    if (waiting.length === 0) return;
    const asked = waiting;
    waiting = [];
    void writeAll(asked, write);
  };
  const endTurn = () => {
    inTurn = waiting.length > 0;
    if (!inTurn) return;
    setImmediate(endTurn);
    flush();
  };
  const ask = (batch: Batch): Promise<readonly StoreVerdict[]> => {
    if (inTurn) return new Promise((resolve, reject) => waiting.push({ batch, resolve, reject }));
    inTurn = true;
    setImmediate(endTurn);
    return write(batch);
  };
  return {
    reserve: (calls) => ask({ settlements: [], calls }),
    settle: async (settlements) => void (await ask({ settlements, calls: [] })),
    flush,
  };
}

async function writeAll(asked: readonly Asked[], write: Write): Promise<void> {
  const batches = asked.map(({ batch }) => batch);
  try {
    const verdicts = await write({
      settlements: batches.flatMap((each) => each.settlements),
      calls: batches.flatMap((each) => each.calls),
    });
    let place = 0;
    for (const { batch, resolve } of asked) {
      resolve(verdicts.slice(place, place + batch.calls.length));
      place += batch.calls.length;
    }
  } catch (error) {
    // One that cannot be written must not cost the others theirs. Where the lock was not to be had, none gets it.
    const alone = asked.length > 1 && !(error instanceof StoreError && isBusy(error.cause));
    for (const { batch, resolve, reject } of asked) {
      if (alone) write(batch).then(resolve, reject);
      else reject(error);
    }
  }
}
