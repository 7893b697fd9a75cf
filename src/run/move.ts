/** Moves the state from one kind of store to another (scale.md §1): while nothing runs with either. */
import { CommandError, EXIT } from '../core/fault.ts';
import type { StateLocation } from '../state/open.ts';

/** An instance that was seen this long ago may still be there, ms. */
const SEEN = 15_000;

export interface Moved {
  readonly counters: number;
  readonly approvals: number;
  readonly claims: number;
}

/** INVARIANT I4: the old store is paused first, so that no limit is drawn twice. Throws `CommandError` where that cannot be had. */
export async function moveContent(from: StateLocation, to: StateLocation, now: number): Promise<Moved> {
  if (from.name === to.name) throw refused('that is where the state is already', 'name another folder or server');
  if (!(await from.isThere())) throw refused(`no state at ${JSON.stringify(from.name)}: no proxy has run with it yet`);
  if (await to.isThere()) throw refused(`there is a state at ${JSON.stringify(to.name)} already`, 'name a folder or a server without one');
  const running = (await from.read('', (store) => store.instances())) ?? [];
  const alive = running.filter(({ seenAt }) => seenAt > now - SEEN);
  if (alive.length > 0)
    throw refused(
      `${alive.length} ${alive.length === 1 ? 'proxy runs' : 'proxies run'} with it (pid ${alive.map(({ pid }) => pid).join(', ')})`,
      'end them first',
    );
  const old = await from.open({ namespace: '' });
  try {
    const { pauses } = await old.control();
    await old.pause({ policy: undefined, reason: `the state was moved to ${to.name}` });
    const content = await from.content.dump();
    await to.content.load({ ...content, pauses }).catch(async (error: unknown) => {
      // What came over is paused; the old state goes on as it was.
      const own = pauses.find(({ policy }) => policy === undefined);
      await (own ? old.pause(own) : old.resume(undefined));
      throw error;
    });
    return { counters: content.counters.length, approvals: content.records.length, claims: content.claims.length };
  } finally {
    await old.close();
  }
}

function refused(why: string, help?: string): CommandError {
  return new CommandError(`nothing was moved: ${why}`, EXIT.failed, help);
}
