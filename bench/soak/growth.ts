/** Tells growth from noise: what a process held when it had warmed up, against what it holds at the end. */

/** What a proxy held at one moment: bytes, and counts. */
export interface Held {
  /** JavaScript heap and external memory after a collection. */
  readonly heap: number;
  readonly rss: number;
  readonly timers: number;
  readonly handles: number;
  readonly files: number;
}

type Measure = keyof Held;

/** Beyond these a measure has grown: a share of what was there, and an amount for what is small. */
const ALLOWED: Readonly<Record<Measure, { readonly share: number; readonly amount: number }>> = {
  heap: { share: 0.15, amount: 6 * 1024 ** 2 },
  rss: { share: 0.25, amount: 40 * 1024 ** 2 },
  timers: { share: 0.25, amount: 24 },
  handles: { share: 0.25, amount: 24 },
  files: { share: 0.25, amount: 16 },
};

export interface Growth {
  readonly early: Held;
  readonly late: Held;
  readonly grew: readonly Measure[];
}

/** Compares the lows of the second quarter with those of the last one: a low shows what stays. */
export function judge(samples: readonly Held[]): Growth {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const early = lows(samples.slice(quarter, 2 * quarter));
  const late = lows(samples.slice(-quarter));
  const measures = Object.keys(ALLOWED) as Measure[];
  const grew = measures.filter((measure) => late[measure] > early[measure] * (1 + ALLOWED[measure].share) + ALLOWED[measure].amount);
  return { early, late, grew };
}

function lows(samples: readonly Held[]): Held {
  const low = (measure: Measure) => Math.min(...samples.map((held) => held[measure]));
  return { heap: low('heap'), rss: low('rss'), timers: low('timers'), handles: low('handles'), files: low('files') };
}

/** One line for people. */
export function renderGrowth({ name, early, late, grew }: Growth & { readonly name: string }): string {
  const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  const shown = [
    `heap ${mib(early.heap)} → ${mib(late.heap)}`,
    `memory ${mib(early.rss)} → ${mib(late.rss)}`,
    ...(['timers', 'handles', 'files'] as const).map((measure) => `${measure} ${early[measure]} → ${late[measure]}`),
  ];
  return `${name}: ${shown.join(', ')}${grew.length > 0 ? `   GREW: ${grew.join(', ')}` : ''}`;
}
