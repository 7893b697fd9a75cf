/** The state of the approvals view, and what a person's keys do to it. Pure. */
import { addDrawn, type Drawn, refuseUnseen, type Seen } from '../../approval/seen.ts';
import type { Approval, ApprovalVerdict } from '../../core/approval.ts';
import type { Key } from './keys.ts';

const NOTICE = 6_000;
const MOST_REASON = 500;

export interface WatchState {
  /** Pending, oldest first. */
  readonly records: readonly Approval[];
  /** The id of the record whose details are shown. */
  readonly selected: string | undefined;
  readonly mode: 'list' | 'whole' | 'reason';
  /** The first line of the record in the whole view. */
  readonly top: number;
  readonly seen: Seen | undefined;
  /** The text that is typed in answer to "why denied". */
  readonly reason: string;
  readonly notice: { readonly text: string; readonly until: number } | undefined;
  /** A decision on its way to the store; no other is taken meanwhile. */
  readonly deciding: boolean;
}

export type Effect =
  | { readonly kind: 'decide'; readonly id: string; readonly verdict: ApprovalVerdict; readonly reason: string }
  | { readonly kind: 'quit' };

export interface Pressed {
  readonly state: WatchState;
  readonly effect?: Effect | undefined;
}

export const FIRST: WatchState = {
  records: [],
  selected: undefined,
  mode: 'list',
  top: 0,
  seen: undefined,
  reason: '',
  notice: undefined,
  deciding: false,
};

/** Takes the records as they are now. The selection stays where it is, or goes to the record that took its place. */
export function takeRecords(state: WatchState, records: readonly Approval[], now: number): WatchState {
  if (records.some(({ id }) => id === state.selected)) return { ...state, records };
  const place = state.records.findIndex(({ id }) => id === state.selected);
  const next = records[Math.min(Math.max(place, 0), records.length - 1)];
  const taken = select({ ...state, records }, next?.id);
  // Somebody else decided it, or its time is over, while its reader was at it.
  const gone = state.selected !== undefined && !state.deciding;
  return gone ? notify(taken, `${state.selected} is no longer pending`, now) : taken;
}

/** Notes what has been on the screen. */
export function noteDrawn(state: WatchState, drawn: Drawn | undefined, now: number): WatchState {
  return drawn && drawn.id === state.selected ? { ...state, seen: addDrawn(state.seen, drawn, now) } : state;
}

/** Says why a verdict on the selected record does not count yet; undefined where it does. */
export function refuseVerdict({ seen, selected, deciding }: WatchState, verdict: ApprovalVerdict, now: number): string | undefined {
  if (selected === undefined) return 'nothing is selected';
  return deciding ? 'the last decision is on its way' : refuseUnseen(seen, selected, verdict, now);
}

/** Applies one key to the state. */
export function pressKey(state: WatchState, key: Key, now: number): Pressed {
  if (key.kind === 'quit') return { state, effect: { kind: 'quit' } };
  if (state.mode === 'reason') return pressInReason(state, key, now);
  // A pasted text is not a person's decision: only a single character is one of these keys.
  switch (key.kind === 'text' ? key.text : key.kind) {
    case 'q':
      return { state, effect: { kind: 'quit' } };
    case 'escape':
      return { state: { ...state, mode: 'list', top: 0 } };
    case 's':
      return { state: { ...state, mode: state.mode === 'whole' || !state.selected ? 'list' : 'whole', top: 0 } };
    case 'a':
      return decide(state, 'approve', '', now);
    case 'd':
      return askReason(state, now);
    default:
      return { state: move(state, key) };
  }
}

/** Shows a line at the bottom for some seconds. */
export function notify(state: WatchState, text: string, now: number): WatchState {
  return { ...state, notice: { text, until: now + NOTICE } };
}

function decide(state: WatchState, verdict: ApprovalVerdict, reason: string, now: number): Pressed {
  const refusal = refuseVerdict(state, verdict, now);
  if (refusal !== undefined || state.selected === undefined) return { state: notify(state, refusal ?? '', now) };
  return { state: { ...state, mode: 'list', top: 0, deciding: true }, effect: { kind: 'decide', id: state.selected, verdict, reason } };
}

function askReason(state: WatchState, now: number): Pressed {
  const refusal = refuseVerdict(state, 'deny', now);
  return { state: refusal === undefined ? { ...state, mode: 'reason', reason: '' } : notify(state, refusal, now) };
}

function pressInReason(state: WatchState, key: Key, now: number): Pressed {
  switch (key.kind) {
    case 'enter':
      return decide({ ...state, mode: 'list' }, 'deny', state.reason.trim(), now);
    case 'escape':
      return { state: { ...state, mode: 'list', top: 0, reason: '' } };
    case 'backspace':
      return { state: { ...state, reason: [...state.reason].slice(0, -1).join('') } };
    case 'text':
    case 'pasted':
      return { state: { ...state, reason: (state.reason + oneLine(key.text)).slice(0, MOST_REASON) } };
    default:
      return { state };
  }
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

const STEPS: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  page_up: -10,
  page_down: 10,
  ' ': 10,
  top: -1e9,
  bottom: 1e9,
};

function move(state: WatchState, key: Key): WatchState {
  const step = STEPS[key.kind === 'text' ? key.text : key.kind];
  if (step === undefined) return state;
  // The view knows where the end is, and stops there.
  if (state.mode === 'whole') return { ...state, top: Math.max(0, state.top + step) };
  const place = state.records.findIndex(({ id }) => id === state.selected);
  const next = state.records[Math.min(Math.max(place + step, 0), state.records.length - 1)];
  return next?.id === state.selected ? state : select(state, next?.id);
}

function select(state: WatchState, id: string | undefined): WatchState {
  return { ...state, selected: id, mode: 'list', top: 0, seen: undefined, reason: '' };
}
