/**
 * One instance of many: reserves on shared counters as fast as it can until it is killed or its input ends, gives every
 * tenth reservation back, and says what it was allowed before anything else. `child.ts <redis:port|sqlite:folder> <home>`.
 */
import { writeSync } from 'node:fs';
import type { Reservable } from '../../src/core/store.ts';
import { stateAt, stateIn } from '../../src/state/open.ts';
import { parseAddress } from '../../src/state/redis/address.ts';
import { BURST, LIMITS, type Tally } from './tally.ts';

const [, , where = '', home = '', most = ''] = process.argv;
const [kind, place = ''] = where.split(/:(.*)/s);
const MONTHLY = Number(most);
const FLIGHT = 32;

const state =
  kind === 'redis'
    ? stateAt({ address: () => parseAddress(`redis://127.0.0.1:${place}`), tls: {}, sentinelLogin: undefined, folder: home })
    : stateIn(place);

const counters = LIMITS.map(({ unit }) => ({ id: 'shared', unit }));
const limits = LIMITS.map(({ unit }) => (unit === 'month' ? MONTHLY : BURST));
const call: Reservable = {
  counters,
  steps: limits.map((after, counter) => ({ kind: 'require', terms: [{ counter, after }], shadow: false })),
  draws: limits.map((_, counter) => ({ counter, micros: 1, count: 'successes', unlessShadow: [] })),
  hold: undefined,
  claim: undefined,
};

const say = (tally: Tally) => writeSync(1, `${JSON.stringify(tally)}\n`);
const store = await state.open({ namespace: 'scale', timeoutMs: 1_000 });
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();

async function goOn(): Promise<void> {
  for (let turn = 0; !ended; turn++) {
    try {
      const [verdict] = await store.reserve([call]);
      if (verdict?.kind !== 'reserved') {
        say({ kind: 'denied' });
        continue;
      }
      const starts = verdict.reservation.draws.map(({ start }) => start);
      say({ kind: 'allowed', starts });
      if (turn % 10 !== 0) continue;
      say({ kind: 'released', starts });
      await store.settle([{ reservation: verdict.reservation, outcome: 'released' }]);
    } catch (error) {
      say({ kind: /lost writes/.test(String(error)) ? 'fenced' : 'failed', why: String(error) });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

await Promise.all(Array.from({ length: FLIGHT }, goOn));
await store.close();
