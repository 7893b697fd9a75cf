/**
 * Carries out a batch (scale.md §4, §5): settles, then judges in order. What counters and claims decide is decided by the
 * script, a call that needs a record of an approval or a challenge by the shared rules. What ran is known of each
 * settlement by itself, so that none gives back twice.
 */
import { type Reservable, type Reservation, type Settlement, StoreError, type StoreVerdict } from '../../core/store.ts';
import { checkClock, settlingTime, type windowFinder } from '../lifetime.ts';
import { reserveCalls, settleAll } from '../step.ts';
import { type AskedCall, decodeAnswers, encodeBatch } from './batch.ts';
import { BATCH } from './batch-script.ts';
import { KEYS } from './keys.ts';
import type { LaneBatch } from './lane.ts';
import type { RedisPorts } from './ports.ts';
import { stepRows } from './rows.ts';
import { type Ran, type ServerPlace, UNSURE } from './server.ts';
import { boundResults } from './sweep.ts';

type WindowOf = ReturnType<typeof windowFinder>;
type Verdicts = readonly (StoreVerdict | Error)[];

/** Calls of one script. */
const MOST_CALLS = 256;
/** Approvals and claims that wait to be given back; those beyond lapse by themselves. */
const MOST_ORPHANS = 1_000;

/** Keeps what is known of settlements between batches. */
export function openCarrier(ports: RedisPorts, windowOf: WindowOf): (batch: LaneBatch) => Promise<Verdicts> {
  const done = new WeakSet<Reservation>();
  const unsure = new WeakSet<Reservation>();
  /** The store in which it was made. */
  const made = new WeakMap<Reservation, string>();
  /** Taken, perhaps, for calls that were denied. */
  const orphans: Reservation[] = [];
  const keepOrphan = (reservation: Reservation) => {
    if ((reservation.approval || reservation.claim) && orphans.length < MOST_ORPHANS) orphans.push({ ...reservation, draws: [] });
  };
  /** INVARIANT I4: draws that may have gone back already do not go back once more, nor to a store that never had them. */
  const prepare = (settlement: Settlement): Settlement => {
    const { reservation } = settlement;
    const isElsewhere = (made.get(reservation) ?? ports.server.epoch) !== ports.server.epoch;
    return unsure.has(reservation) || isElsewhere ? { ...settlement, reservation: { ...reservation, draws: [] } } : settlement;
  };
  const noteMade = (epoch: string, verdicts: Verdicts): Verdicts => {
    for (const verdict of verdicts) if (!(verdict instanceof Error) && verdict.kind === 'reserved') made.set(verdict.reservation, epoch);
    return verdicts;
  };
  const settling = async <T>(all: readonly Settlement[], work: (prepared: readonly Settlement[]) => Promise<T>): Promise<T> => {
    try {
      const result = await work(all.map(prepare));
      for (const { reservation } of all) done.add(reservation);
      return result;
    } catch (error) {
      if (isUnsure(error)) for (const { reservation } of all) unsure.add(reservation);
      throw error;
    }
  };
  return async ({ settlements, calls }) => {
    const { epoch } = ports.server;
    await giveBackOrphans(orphans, ports);
    const fresh = settlements.filter(({ reservation }) => !done.has(reservation));
    const byRules = fresh.filter(({ reservation }) => reservation.approval || reservation.challenge);
    for (const settlement of byRules) await settling([settlement], async ([one]) => settleOne(one as Settlement, ports));
    const byScript = fresh.filter((settlement) => !byRules.includes(settlement));
    const asked = calls.map((call): AskedCall => ({ call, token: ports.ids.token() }));
    if (byScript.length === 0 && asked.length === 0) return [];
    const first = await settling(byScript, (prepared) => runBatch(prepared, asked, ports, { epoch })).catch((error) => {
      if (isUnsure(error)) for (const each of asked) keepOrphan(orphanOf(each));
      throw error;
    });
    return noteMade(epoch, await judgeRest(first, asked, ports, windowOf, keepOrphan));
  };
}

/** Goes on until the first that fails: nobody waits for a server once for each. */
async function giveBackOrphans(orphans: Reservation[], ports: RedisPorts): Promise<void> {
  for (let next = orphans[0]; next; next = orphans[0]) {
    try {
      await settleOne({ reservation: next, outcome: 'released' }, ports);
    } catch {
      return;
    }
    orphans.shift();
  }
}

function isUnsure(error: unknown): boolean {
  return error instanceof StoreError && error.cause === UNSURE;
}

function orphanOf({ call: { claim }, token }: AskedCall): Reservation {
  return claim ? { draws: [], claim: { key: claim.key, token, window: claim.window } } : { draws: [] };
}

function settleOne(settlement: Settlement, { server, transact, namespace, maxResults }: RedisPorts): Promise<void> {
  const { epoch } = server;
  return transact((draft) => {
    draft.require(['HGET', KEYS.head, 'epoch', epoch]);
    settleAll([settlement], stepRows(draft, namespace), settlingTime(draft.now, draft.newest), maxResults);
  });
}

/** Runs the first calls of those that are asked: a script keeps the server from everybody else. */
async function runBatch(
  settlements: readonly Settlement[],
  asked: readonly AskedCall[],
  ports: RedisPorts,
  only: ServerPlace,
): Promise<Ran> {
  const { keys, text } = encodeBatch(settlements, asked.slice(0, MOST_CALLS), ports.namespace, ports.maxResults);
  return ports.server.run(BATCH, keys, [text], only);
}

/** Reads the first answers and goes on behind each call that the script left to the rules. From here on a failure is a call's own. */
async function judgeRest(
  first: Ran,
  asked: readonly AskedCall[],
  ports: RedisPorts,
  windowOf: WindowOf,
  keepOrphan: (reservation: Reservation) => void,
): Promise<Verdicts> {
  const verdicts: (StoreVerdict | Error)[] = [];
  let ran = first;
  for (;;) {
    const rest = asked.slice(verdicts.length);
    const answered = await read(ran, rest, ports);
    verdicts.push(...answered.verdicts);
    const slow = answered.isSlow ? asked[verdicts.length] : undefined;
    if (slow) verdicts.push(await judgeByRules(slow.call, ports, windowOf, keepOrphan));
    if (verdicts.length >= asked.length) return verdicts;
    const left = asked.slice(verdicts.length);
    try {
      ran = await runBatch([], left, ports, { epoch: first.place.epoch });
    } catch (error) {
      if (isUnsure(error)) for (const each of left) keepOrphan(orphanOf(each));
      return [...verdicts, ...left.map(() => error as Error)];
    }
  }
}

async function read(
  ran: Ran,
  asked: readonly AskedCall[],
  ports: RedisPorts,
): Promise<{ readonly verdicts: Verdicts; readonly isSlow: boolean }> {
  const [kind, time, about, ...answers] = ran.reply;
  const now = Number(time);
  try {
    if (kind === 'clock') checkClock(now, Number(about));
    if (kind !== 'ok') throw new StoreError(`the state server answered "${kind}"`);
    await ports.server.heard(now);
    const decoded = decodeAnswers(answers, asked, now);
    if (!ran.isKept) return { verdicts: asked.map(undo(decoded, ports, ran.place)), isSlow: false };
    // Whoever comes next goes on with it where others are at it as well: no call fails by it.
    if (Number(about) > ports.maxResults) await boundResults(ports).catch(() => {});
    if (decoded.length === 0 && asked.length > 0) throw new StoreError('the state server judged no call');
    return { verdicts: decoded.filter((verdict) => verdict !== 'slow'), isSlow: decoded.at(-1) === 'slow' };
  } catch (error) {
    return { verdicts: asked.map(() => error as Error), isSlow: false };
  }
}

async function judgeByRules(
  call: Reservable,
  { change, namespace, ids }: RedisPorts,
  windowOf: WindowOf,
  keepOrphan: (reservation: Reservation) => void,
): Promise<StoreVerdict | Error> {
  let verdict: StoreVerdict | undefined;
  const once = { ...call, hold: call.hold && rememberHold(call.hold) };
  try {
    return await change((draft) => {
      [verdict] = reserveCalls([once], { rows: stepRows(draft, namespace), now: draft.now, windowOf, ids });
      return verdict as StoreVerdict;
    });
  } catch (error) {
    if (isUnsure(error) && verdict?.kind === 'reserved') keepOrphan(verdict.reservation);
    return error as Error;
  }
}

/** The rules run several times; the port promises that a hold is asked for once. */
function rememberHold(hold: NonNullable<Reservable['hold']>): NonNullable<Reservable['hold']> {
  const known = new Map<string, ReturnType<typeof hold>>();
  return (fired) => {
    const key = fired.join();
    const request = known.get(key) ?? hold(fired);
    known.set(key, request);
    return request;
  };
}

/** SPEC: scale.md §5: fewer replicas than asked for have what was drawn, so no call goes on, and it is given back. */
function undo(decoded: readonly (StoreVerdict | 'slow')[], ports: RedisPorts, place: ServerPlace): () => Error {
  const made = decoded.flatMap((verdict): Settlement[] =>
    verdict !== 'slow' && verdict.kind === 'reserved' ? [{ reservation: verdict.reservation, outcome: 'released' }] : [],
  );
  // At that server alone: one that took its place may never have had them.
  if (made.length > 0) void runBatch(made, [], ports, { ...place, isUnconfirmed: true }).catch(() => {});
  return () => new StoreError('too few replicas of the state server have what was counted');
}
