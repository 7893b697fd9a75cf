/** `intercept approvals watch`: new ones as they come, and one key to decide (cli.md §3). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Approvals } from '../../core/approval.ts';
import { EXIT } from '../../core/fault.ts';
import { createPaint } from '../paint.ts';
import { openScreen, type TerminalScreen } from '../screen.ts';
import type { Terminal } from '../terminal.ts';
import { decideRecorded } from './decide.ts';
import { type DeskOptions, refuseApprover } from './desk.ts';
import { followEvents } from './follow.ts';
import { type Key, openKeys } from './keys.ts';
import { keepArgumentLines } from './record-lines.ts';
import { type Effect, FIRST, noteDrawn, pressKey, takeRecords, tell, type WatchState } from './watch-state.ts';
import { LONGEST, layOut } from './watch-view.ts';

/** New records appear within a second. */
const LOOK = 500;
/** What waits, with arguments as long as they are shown here, and one character more: then they are longer. */
const WAITING = { state: 'pending', argsLimit: LONGEST + 1 } as const;
const SIZE = { columns: 80, rows: 24 };

export interface WatchOptions extends DeskOptions {
  readonly by: string;
}

/** Watches until the person leaves; where there is no terminal, or for programs, prints a line for each event. */
export async function watchApprovals(options: WatchOptions, terminal: Terminal): Promise<number> {
  const desk = await options.state.openRecords();
  try {
    if (options.json || !terminal.isTty || !terminal.input.isTTY) await followEvents(desk.approvals, options.json, terminal);
    else await watchOnScreen(desk.approvals, options, terminal);
    return EXIT.done;
  } finally {
    await desk.close();
  }
}

async function watchOnScreen(approvals: Approvals, options: WatchOptions, terminal: Terminal): Promise<void> {
  const refusal = await refuseApprover(approvals, terminal.env);
  const left = new AbortController();
  const paint = createPaint(terminal.colour);
  const read = openKeys();
  const args = keepArgumentLines();
  let state: WatchState = FIRST;
  const show = (next: WatchState, screen: TerminalScreen) => {
    const now = Date.now();
    const { lines, drawn, top } = layOut(next, { size: terminal.size() ?? SIZE, now, paint, args, refusal });
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
    const told = await decideOne(effect, approvals, options, terminal.env);
    const records = await approvals.list(WAITING).catch(() => state.records);
    show({ ...tell(takeRecords(state, records, Date.now()), told, Date.now()), deciding: false }, screen);
  };
  const screen = openScreen(terminal, {
    keys: (chunk) => read(chunk).forEach(onKey),
    redraw: () => show(state, screen),
    leave: () => left.abort(),
  });
  try {
    while (!left.signal.aborted) {
      // A store that is busy or gone for a while is told of, and asked again: nobody starts the view anew at night.
      const records = await approvals.list(WAITING).catch((error: unknown) => messageOf(error));
      const now = Date.now();
      show(typeof records === 'string' ? tell(state, records, now) : takeRecords(state, records, now), screen);
      await sleep(LOOK, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    screen.close();
  }
}

/** What to tell of it. The secret may have been set, or be another, since the watch began. */
async function decideOne(
  { id, verdict, reason }: Extract<Effect, { kind: 'decide' }>,
  approvals: Approvals,
  { by, home }: WatchOptions,
  env: Terminal['env'],
): Promise<string> {
  const warnings: string[] = [];
  try {
    const refusal = await refuseApprover(approvals, env);
    if (refusal !== undefined) return refusal;
    const { tool } = await decideRecorded({ id, verdict, by, reason, home }, approvals, { env, err: (text) => void warnings.push(text) });
    return warnings[0] ?? `${verdict === 'approve' ? 'approved' : 'denied'} ${id}: ${tool}`;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
