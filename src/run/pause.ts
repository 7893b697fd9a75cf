/** The kill switch: pauses and resumes calls, and waits until those who run have confirmed it (policy.md §11). */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkApprover } from '../approval/secret.ts';
import type { Instance, Records, Store } from '../core/store.ts';
import { operator } from './home.ts';
import { liveInstances } from './instances.ts';
import type { OwnPlaces } from './own-folders.ts';
import { type CommandPorts, openOwnRecords } from './own-records.ts';

export interface PauseOptions extends OwnPlaces {
  /** What agents are told. */
  readonly reason: string;
  /** The name of one policy; undefined: all. */
  readonly policy: string | undefined;
  /** How long instances have to confirm, ms. */
  readonly patience: number;
}

/** What was changed, and by whom it was noticed. */
export interface Switched extends Change {
  readonly confirmed: readonly Instance[];
  readonly silent: readonly Instance[];
}

interface Change {
  readonly type: 'paused' | 'resumed';
  readonly sequence: number;
  /** Pauses of another scope that go on. */
  readonly remaining: readonly string[];
  readonly ended: number;
}

/** ms between looks at what instances have confirmed. */
const LOOK = 50;

/** Pauses, and waits until every live instance has confirmed or patience ends. */
export function pauseCalls(options: PauseOptions, ports: CommandPorts): Promise<Switched> {
  return change(options, ports, async (store) => {
    const sequence = await store.pause({ policy: options.policy, reason: options.reason });
    return { type: 'paused', sequence, remaining: [], ended: 0 };
  });
}

/** Ends a pause of the same scope, and waits likewise. Needs the approver secret where there is one (policy.md §12). */
export function resumeCalls(options: PauseOptions, ports: CommandPorts): Promise<Switched> {
  return change(options, ports, async (store) => {
    await checkApprover(store.approvals, ports.env);
    const { sequence, ended } = await store.resume(options.policy);
    const { pauses } = await store.control();
    return { type: 'resumed', sequence, ended, remaining: pauses.map(({ policy }) => policy ?? '(all policies)') };
  });
}

async function change(options: PauseOptions, ports: CommandPorts, act: (store: Store & Records) => Promise<Change>): Promise<Switched> {
  const store = await options.state.open({ namespace: '' });
  try {
    // The switch is thrown first: a record that cannot be written must not keep calls running.
    const done = await act(store);
    record(done, options, ports);
    return { ...done, ...(await confirmations(store, done.sequence, options)) };
  } finally {
    await store.close();
  }
}

function record({ type }: Change, { home, policy, reason }: PauseOptions, ports: CommandPorts): void {
  try {
    const records = openOwnRecords(home, ports);
    records.write([{ type, fields: { scope: policy ?? null, reason: type === 'paused' ? reason : undefined, by: operator() } }]);
    records.close();
  } catch (error) {
    ports.err(`intercept: ${type}, but not recorded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function confirmations(
  store: Store,
  sequence: number,
  { policy, patience }: PauseOptions,
): Promise<Pick<Switched, 'confirmed' | 'silent'>> {
  const deadline = performance.now() + patience;
  for (;;) {
    const concerned = liveInstances(await store.instances(), Date.now()).filter(
      (instance) => policy === undefined || instance.policy === policy,
    );
    const silent = concerned.filter((instance) => instance.confirmed < sequence);
    if (silent.length === 0 || performance.now() >= deadline)
      return { confirmed: concerned.filter((instance) => instance.confirmed >= sequence), silent };
    await sleep(LOOK);
  }
}
