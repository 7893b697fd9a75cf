/** The page of `init` in the browser: the way in by the link, and the view of the step at which the set-up stands. */
import { KEY } from '../app.ts';
import { openFrame } from '../frame.ts';
import type { SetupEntry, SetupState } from './api.ts';
import { askToCancel, showEnd, showLocked } from './end.ts';
import { showMode } from './mode.ts';
import { showRules } from './rules.ts';
import { ask, type Setup, type StageView, showSteps } from './setup.ts';
import { showStart } from './start.ts';

/** The page looks so often for what has changed, ms; while servers are starting, more often. */
const LOOK = 2_000;
const LOOK_CLOSELY = 500;
const FORGET = 6_000;

const frame = openFrame(() => askToCancel(setup));
let state: SetupState | undefined;
let shown: { readonly stage: SetupState['stage']; readonly view: StageView | undefined } | undefined;
let timer = 0;

const setup: Setup = {
  frame,
  state() {
    if (!state) throw new Error('the state is not known yet');
    return state;
  },
  ask: (method, path, body) => ask(frame, method, path, body),
  async step(step) {
    const reply = await ask<SetupState>(frame, 'POST', 'step', step);
    if (reply.kind === 'ok') take(reply.value);
    return reply.kind === 'ok' ? undefined : reply.message;
  },
};

const VIEWS: Readonly<Record<SetupState['stage'], (setup: Setup) => StageView | undefined>> = {
  start: showStart,
  rules: showRules,
  mode: showMode,
  done: showEnd,
  cancelled: showEnd,
};

/** An answer that was overtaken by a newer one is dropped. */
function take(next: SetupState): void {
  if (state && next.revision < state.revision) return;
  state = next;
  if (shown?.stage === next.stage) shown.view?.update(next);
  else show(next);
}

function show(next: SetupState): void {
  showSteps(next.stage);
  const isOver = next.stage === 'done' || next.stage === 'cancelled';
  frame.setSignedIn(!isOver);
  shown = { stage: next.stage, view: VIEWS[next.stage](setup) };
  if (isOver) forgetKey();
}

/** Other tabs learn by it how it ended, so it is kept a little longer. */
function forgetKey(): void {
  const forget = () => localStorage.removeItem(KEY);
  window.addEventListener('pagehide', forget);
  window.setTimeout(forget, FORGET);
}

async function look(): Promise<void> {
  window.clearTimeout(timer);
  const reply = await ask<SetupState>(frame, 'GET', 'state');
  if (reply.kind === 'ok') take(reply.value);
  else if (reply.status === 401) return lock(reply.message);
  if (state?.stage === 'done' || state?.stage === 'cancelled') return;
  const isStarting = state?.servers.some(({ kind }) => kind === 'starting');
  timer = window.setTimeout(look, isStarting ? LOOK_CLOSELY : LOOK);
}

function lock(why: string): void {
  state = undefined;
  shown = undefined;
  localStorage.removeItem(KEY);
  frame.setSignedIn(false);
  showLocked(frame, why);
}

/** The key of the link is taken out of the history before anything else. */
async function enter(): Promise<void> {
  const [, secret] = /^#k=([\w-]+)$/.exec(location.hash) ?? [];
  if (location.hash) history.replaceState(null, '', '/');
  if (secret) {
    const reply = await ask<SetupEntry>(frame, 'POST', 'session', { secret });
    if (reply.kind === 'ok') localStorage.setItem(KEY, reply.value.key);
    else if (!localStorage.getItem(KEY)) return lock(reply.message);
  }
  await look();
}

// A tab that was opened by a link takes a new one, too.
window.addEventListener('hashchange', () => void enter());
void enter();
