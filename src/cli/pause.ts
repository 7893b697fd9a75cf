/** `intercept pause` and `resume`: the kill switch, and who has confirmed it (policy.md §11). */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../core/fault.ts';
import type { Instance, Records, Store } from '../core/store.ts';
import { liveInstances } from '../run/instances.ts';
import { operator } from '../run/operator.ts';
import type { OwnPlaces } from '../run/own-folders.ts';
import { openOwnRecords } from '../run/own-records.ts';
import { checkApprover } from './approvals/desk.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

export interface PauseOptions extends OwnPlaces {
  /** What agents are told. */
  readonly reason: string;
  /** The name of one policy; undefined: all. */
  readonly policy: string | undefined;
  readonly json: boolean;
  /** How long instances have to confirm, ms. */
  readonly patience: number;
}

const LOOK = 50;

interface Change {
  readonly type: 'paused' | 'resumed';
  readonly sequence: number;
  /** Pauses of another scope that go on. */
  readonly remaining: readonly string[];
  readonly ended: number;
}

/** Pauses, and waits until every live instance has confirmed. */
export function pauseCalls(options: PauseOptions, terminal: Terminal): Promise<number> {
  return change(options, terminal, async (store) => {
    const sequence = await store.pause({ policy: options.policy, reason: options.reason });
    return { type: 'paused', sequence, remaining: [], ended: 0 };
  });
}

/** Ends a pause of the same scope, and waits likewise. Needs the approver secret where there is one (policy.md §12). */
export function resumeCalls(options: PauseOptions, terminal: Terminal): Promise<number> {
  return change(options, terminal, async (store) => {
    await checkApprover(store.approvals, terminal.env);
    const { sequence, ended } = await store.resume(options.policy);
    const { pauses } = await store.control();
    return { type: 'resumed', sequence, ended, remaining: pauses.map(({ policy }) => policy ?? '(all policies)') };
  });
}

async function change(options: PauseOptions, terminal: Terminal, act: (store: Store & Records) => Promise<Change>): Promise<number> {
  const store = await options.state.open({ namespace: '' });
  try {
    // The switch is thrown first: a record that cannot be written must not keep calls running.
    const done = await act(store);
    record(done, options, terminal);
    const { confirmed, silent } = await confirmations(store, done.sequence, options);
    report(done, confirmed, silent, options, terminal);
    return silent.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await store.close();
  }
}

function record({ type }: Change, { home, policy, reason }: PauseOptions, terminal: Terminal): void {
  try {
    const records = openOwnRecords(home, terminal);
    records.write([{ type, fields: { scope: policy ?? null, reason: type === 'paused' ? reason : undefined, by: operator() } }]);
    records.close();
  } catch (error) {
    terminal.err(`intercept: ${type}, but not recorded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Confirmations {
  readonly confirmed: readonly Instance[];
  readonly silent: readonly Instance[];
}

async function confirmations(store: Store, sequence: number, { policy, patience }: PauseOptions): Promise<Confirmations> {
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

function report(
  done: Change,
  confirmed: readonly Instance[],
  silent: readonly Instance[],
  options: PauseOptions,
  terminal: Terminal,
): void {
  if (options.json) {
    const told = {
      type: done.type,
      policy: options.policy ?? null,
      sequence: done.sequence,
      confirmed,
      silent,
      still_paused: done.remaining,
    };
    terminal.out(JSON.stringify(told, null, 2));
    return;
  }
  const paint = createPaint(terminal.colour);
  terminal.out(headline(done, options, paint));
  for (const instance of confirmed) terminal.out(`  ${paint('green', 'confirmed')}  ${nameOf(instance)}`);
  for (const instance of silent) terminal.err(`  ${paint('red', 'no answer')}  ${nameOf(instance)}`);
  if (confirmed.length + silent.length === 0) terminal.out('  no instance is running; those that start find it so');
  for (const scope of done.remaining) terminal.err(`still paused: ${shown(scope)}`);
}

function headline({ type, ended }: Change, { policy, reason }: PauseOptions, paint: Paint): string {
  const scope = policy === undefined ? 'all policies' : `policy ${JSON.stringify(shown(policy))}`;
  if (type === 'paused') return `${paint('bold', 'paused')}: ${scope}${reason && ` (${shown(reason)})`}`;
  return ended === 0 ? `${scope}: was not paused` : `${paint('bold', 'resumed')}: ${scope}`;
}

function nameOf({ pid, host, policy, upstream }: Instance): string {
  return `pid ${pid} on ${shown(host)}  ${shown(policy ?? '(no name)')}  ${shown(upstream, 60)}`;
}
