/** One beat for all that a process looks after from time to time: an idle one wakes for all of it at once. */

/** ms between two beats; what is done less often waits for one of them. */
export const BEAT = 500;

/** Does the work about every so many ms, until the answer is called. The work never throws. */
export type Every = (ms: number, work: () => void) => () => void;

export interface Ticker {
  readonly every: Every;
  /** To be called at each beat. */
  beat(): void;
}

/** Nothing to do yet. Bounded by what is opened once a process, or once a session of it. */
export function createTicker(): Ticker {
  const works = new Set<() => void>();
  let beats = 0;
  return {
    every(ms, work) {
      const most = Math.max(1, Math.round(ms / BEAT));
      // All of one period fall on the same beat, however late they began.
      const due = () => {
        if (beats % most === 0) work();
      };
      works.add(due);
      return () => void works.delete(due);
    },
    beat() {
      beats += 1;
      for (const due of [...works]) if (works.has(due)) due();
    },
  };
}
