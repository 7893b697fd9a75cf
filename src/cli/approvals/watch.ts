/** `intercept approvals watch`: new ones as they come, and one key to decide (cli.md §3). */
import { setTimeout as sleep } from 'node:timers/promises';
import { followApprovals } from '../../approval/records.ts';
import { refuseApprover } from '../../approval/secret.ts';
import type { ApprovalEvent, Approvals } from '../../core/approval.ts';
import { renderApprovalEvent } from '../../core/approval-json.ts';
import { EXIT } from '../../core/fault.ts';
import { decideInOwnRecords } from '../../run/own-records.ts';
import { createPaint, shown } from '../paint.ts';
import { ENDING, openScreen, type TerminalScreen } from '../screen.ts';
import type { Terminal } from '../terminal.ts';
import { expectDecided } from './decide.ts';
import { type Key, openKeys } from './keys.ts';
import type { ApprovalsOptions } from './list.ts';
import { keepArgumentLines } from './record-lines.ts';
import { type Effect, FIRST, noteDrawn, notify, pressKey, takeRecords, type WatchState } from './watch-state.ts';
import { LONGEST, layOut } from './watch-view.ts';

/** New records appear within a second. */
const LOOK = 500;
/** Asks for pending records, with arguments as long as they are shown here, and one character more: then they are longer. */
const WAITING = { state: 'pending', argsLimit: LONGEST + 1 } as const;
const SIZE = { columns: 80, rows: 24 };

export interface WatchViewOptions extends ApprovalsOptions {
  readonly by: string;
}

/** Watches until the person leaves; where there is no terminal, or for programs, prints a line for each event. */
export async function watchApprovals(options: WatchViewOptions, terminal: Terminal): Promise<number> {
  const records = await options.state.openRecords();
  try {
    if (options.json || !terminal.isTty || !terminal.input.isTTY) await printEvents(records.approvals, options.json, terminal);
    else await watchOnScreen(records.approvals, options, terminal);
    return EXIT.done;
  } finally {
    await records.close();
  }
}

/** Prints a line for each event, until a signal or until nobody reads any more. */
async function printEvents(approvals: Approvals, json: boolean, terminal: Terminal): Promise<void> {
  const left = new AbortController();
  const leave = () => left.abort();
  for (const signal of ENDING) process.once(signal, leave);
  try {
    await followApprovals(approvals, {
      take: (event) => terminal.out(json ? renderApprovalEvent(event) : renderLine(event)),
      complain: (error) => terminal.err(`intercept: ${messageOf(error)}`),
      isRead: terminal.isRead,
      signal: left.signal,
    });
  } finally {
    for (const signal of ENDING) process.removeListener(signal, leave);
  }
}

function renderLine({ type, at, approval }: ApprovalEvent): string {
  const { id, tool, rule, decidedBy, reason, args } = approval;
  const by = decidedBy === undefined ? '' : ` by=${JSON.stringify(shown(decidedBy))}`;
  const why = reason === undefined || reason === '' ? '' : ` reason=${JSON.stringify(shown(reason))}`;
  return `${new Date(at).toISOString()} ${type} ${id} tool=${shown(tool)} rule=${JSON.stringify(shown(rule))}${by}${why} args=${shown(args)}`;
}

async function watchOnScreen(approvals: Approvals, options: WatchViewOptions, terminal: Terminal): Promise<void> {
  const refusal = await refuseApprover(approvals, terminal.env);
  const left = new AbortController();
  const paint = createPaint(terminal.colour);
  const read = openKeys();
  const args = keepArgumentLines();
  let state: WatchState = FIRST;
  const show = (next: WatchState, screen: TerminalScreen) => {
    const now = Date.now();
    const { columns, rows } = terminal.size() ?? SIZE;
    // What clears the rest of a line takes the last column's character with it.
    const size = { columns: columns - 1, rows };
    const { lines, drawn, top } = layOut(next, { size, now, paint, args, refusal });
    screen.draw(lines);
    state = noteDrawn({ ...next, top }, drawn, now);
  };
  const onKey = (key: Key) => {
    const { state: next, effect } = pressKey(state, key, Date.now());
    if (effect?.kind === 'quit') left.abort();
    else if (effect) void carryOut(effect);
    show(next, screen);
  };
  const carryOut = async (effect: Extract<Effect, { kind: 'decide' }>) => {
    const notice = await decideOne(effect, approvals, options, terminal.env);
    const records = await approvals.list(WAITING).catch(() => state.records);
    show({ ...notify(takeRecords(state, records, Date.now()), notice, Date.now()), deciding: false }, screen);
  };
  const screen = openScreen(terminal, {
    keys: (chunk) => read(chunk).forEach(onKey),
    redraw: () => show(state, screen),
    leave: () => left.abort(),
  });
  try {
    while (!left.signal.aborted) {
      // A store that is busy or gone for a while is shown, and asked again: nobody starts the view anew at night.
      const records = await approvals.list(WAITING).catch((error: unknown) => messageOf(error));
      const now = Date.now();
      show(typeof records === 'string' ? notify(state, records, now) : takeRecords(state, records, now), screen);
      await sleep(LOOK, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    screen.close();
  }
}

/** Decides one record and answers the line to show. The secret may have been set, or be another, since the watch began. */
async function decideOne(
  { id, verdict, reason }: Extract<Effect, { kind: 'decide' }>,
  approvals: Approvals,
  { by, home }: WatchViewOptions,
  env: Terminal['env'],
): Promise<string> {
  const warnings: string[] = [];
  try {
    const refusal = await refuseApprover(approvals, env);
    if (refusal !== undefined) return refusal;
    const ports = { env, err: (text: string) => void warnings.push(text) };
    const { tool } = expectDecided(await decideInOwnRecords({ id, verdict, by, reason }, home, approvals, ports), id);
    return warnings[0] ?? `${verdict === 'approve' ? 'approved' : 'denied'} ${id}: ${tool}`;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
