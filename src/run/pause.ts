/** The kill switch: pauses and resumes calls, and finds out whom that reaches and whom it does not (policy.md §11). */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkApprover } from '../approval/secret.ts';
import { CommandError, EXIT } from '../core/fault.ts';
import { type Instance, type Pause, type Records, type Store, StoreError } from '../core/store.ts';
import { didYouMean } from '../policy/nearest.ts';
import { operator } from '../process/operator.ts';
import { lookAround, type Surroundings } from './elsewhere.ts';
import { realPath } from './home.ts';
import { liveInstances } from './instances.ts';
import type { OwnPlaces } from './own-folders.ts';
import { type CommandPorts, openOwnRecords } from './own-records.ts';

export interface PauseOptions extends OwnPlaces {
  /** Agents read this. */
  readonly reason: string;
  /** The name of one policy; undefined: all. */
  readonly policy: string | undefined;
  /** A policy that nobody here has heard of, too. */
  readonly force: boolean;
  /** Instances have so long to confirm, ms. */
  readonly patience: number;
}

/** A change, and the instances that it reaches. */
export interface Switched extends Change {
  readonly confirmed: readonly Instance[];
  readonly silent: readonly Instance[];
  /** Those of the same state that another policy rules. */
  readonly uncovered: readonly Instance[];
  /** Those of this machine that are not instances of this state. */
  readonly elsewhere: Surroundings;
}

interface Change {
  readonly type: 'paused' | 'resumed';
  readonly sequence: number;
  /** Pauses that go on. */
  readonly remaining: readonly Pause[];
}

type OpenStore = Store & Records;

/** ms between looks at what instances have confirmed. */
const LOOK = 50;

/** Pauses, and waits until every live instance has confirmed or patience ends. Throws where nothing was paused. */
export async function pauseCalls(options: PauseOptions, ports: CommandPorts): Promise<Switched> {
  await refuseLostStore(options);
  return change('paused', options, ports, async (store) => {
    await refuseUnknown(options, store);
    const sequence = await store.pause({ policy: options.policy, reason: options.reason });
    return { type: 'paused', sequence, remaining: [] };
  });
}

/** Ends a pause of the same scope, and waits likewise. Needs the approver secret where there is one (policy.md §12). */
export async function resumeCalls(options: PauseOptions, ports: CommandPorts): Promise<Switched> {
  if (!(await options.state.isThere()))
    throw refused('resumed', `there is no state at ${quoted(options.state.name)}`, 'name another with --state-dir or INTERCEPT_HOME');
  return change('resumed', options, ports, async (store) => {
    await checkApprover(store.approvals, ports.env);
    refuseUnpaused(options.policy, (await store.control()).pauses);
    const { sequence } = await store.resume(options.policy);
    return { type: 'resumed', sequence, remaining: (await store.control()).pauses };
  });
}

async function change(
  what: Change['type'],
  options: PauseOptions,
  ports: CommandPorts,
  act: (store: OpenStore) => Promise<Change>,
): Promise<Switched> {
  let done: Change | undefined;
  let store: OpenStore | undefined;
  try {
    store = await options.state.open({ namespace: '' });
    // The switch is thrown first: a record that cannot be written must not keep calls running.
    done = await act(store);
    await record(done, options, ports);
    return { ...done, ...(await confirmations(store, done.sequence, options)) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (done) throw new CommandError(`${done.type}, but nobody knows who has confirmed: ${error.message}`, EXIT.failed, 'run it again');
    const again = error.help === undefined ? 'run it again' : `${error.help}; then run it again`;
    throw refused(what, error.message, `${again}. Until then whatever runs goes on as it is, unless its process is ended`);
  } finally {
    await store?.close();
  }
}

/** SECURITY: a new store in the place of one that was lost would be empty, and every limit in it free. */
async function refuseLostStore({ state, home }: PauseOptions): Promise<void> {
  if (await state.isThere()) return;
  const folders = state.folders.map(realPath);
  const running = lookAround().proxies.filter((proxy) => proxy.state !== undefined && folders.includes(realPath(proxy.state)));
  if (running.length === 0) return;
  const pids = running.map(({ pid }) => pid).join(', ');
  throw refused(
    'paused',
    `the store of ${quoted(state.name)} is gone, and a proxy runs with it (pid ${pids})`,
    `it denies what needs the store; end it, and look where ${quoted(home)} has gone`,
  );
}

/** SECURITY: a name that is not quite right would pause nothing, and look as if it had. */
async function refuseUnknown({ policy, force, state }: PauseOptions, store: OpenStore): Promise<void> {
  if (policy === undefined || force) return;
  const unknown = await unknownPolicy(policy, store);
  if (!unknown) return;
  const help = `${unknown.near ?? 'leave --policy out to pause all;'} --force pauses it for those that start later`;
  throw refused('paused', `no policy ${quoted(policy)} is known at ${quoted(state.name)}; ${unknown.running}`, help);
}

/** Says what runs, and which name is near, where no instance, held call or pause has this one. */
export async function unknownPolicy(
  policy: string,
  store: Pick<Store, 'instances' | 'control'> & { readonly approvals: Pick<Records['approvals'], 'list'> },
): Promise<{ readonly running: string; readonly near: string | undefined } | undefined> {
  const instances = await store.instances();
  const live = namesOf(liveInstances(instances, Date.now()));
  if (live.includes(policy)) return undefined;
  const held = await store.approvals.list({ argsLimit: 0, limit: MOST_HELD });
  const { pauses } = await store.control();
  const known = [...namesOf(instances), ...namesOf(pauses), ...held.flatMap(({ evidence }) => evidence.policy ?? [])];
  if (known.includes(policy)) return undefined;
  const running = live.length === 0 ? 'nothing runs' : `what runs: ${live.map(quoted).join(', ')}`;
  return { running, near: didYouMean(policy, [...live, ...known]) };
}

/** Held calls that are looked through for the name of their policy. */
const MOST_HELD = 1_000;

function refuseUnpaused(policy: string | undefined, pauses: readonly Pause[]): void {
  if (pauses.some((pause) => pause.policy === policy)) return;
  const scope = policy === undefined ? '"all policies"' : `policy ${quoted(policy)}`;
  const names = namesOf(pauses);
  const still = pauses.map((pause) => (pause.policy === undefined ? 'all policies' : `policy ${quoted(pause.policy)}`));
  const near = policy === undefined ? undefined : didYouMean(policy, names);
  throw refused(
    'resumed',
    `${scope} is not paused${still.length === 0 ? ', and nothing else is' : `; paused: ${still.join(', ')}`}`,
    near ?? (names.length > 0 ? 'name it with --policy' : still.length > 0 ? 'leave --policy out' : 'see "intercept status" for what runs'),
  );
}

function namesOf(named: readonly { readonly policy: string | undefined }[]): readonly string[] {
  return [...new Set(named.flatMap(({ policy }) => policy ?? []))];
}

function refused(what: Change['type'], why: string, help: string): CommandError {
  return new CommandError(`nothing was ${what}: ${why}`, EXIT.failed, help);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

async function record({ type }: Change, { home, policy, reason }: PauseOptions, ports: CommandPorts): Promise<void> {
  try {
    const by = await operator();
    const records = openOwnRecords(home, ports);
    records.write([{ type, fields: { scope: policy ?? null, reason: type === 'paused' ? reason : undefined, by } }]);
    records.close();
  } catch (error) {
    ports.err(`intercept: ${type}, but not recorded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function confirmations(store: Store, sequence: number, { policy, patience }: PauseOptions): Promise<Omit<Switched, keyof Change>> {
  const deadline = performance.now() + patience;
  for (;;) {
    const live = liveInstances(await store.instances(), Date.now());
    const concerned = live.filter((instance) => policy === undefined || instance.policy === policy);
    const silent = concerned.filter((instance) => instance.confirmed < sequence);
    if (silent.length > 0 && performance.now() < deadline) {
      await sleep(LOOK);
      continue;
    }
    return {
      confirmed: concerned.filter((instance) => !silent.includes(instance)),
      silent,
      uncovered: live.filter((instance) => !concerned.includes(instance)),
      elsewhere: lookElsewhere(live),
    };
  }
}

function lookElsewhere(live: readonly Instance[]): Surroundings {
  const { sight, proxies } = lookAround();
  return { sight, proxies: proxies.filter(({ pid }) => !live.some((instance) => instance.pid === pid)) };
}
