/** Every view of the set-up is given these: the state as it is now, and the way to change it. */
import type { Piece } from '../../core/reveal.ts';
import { type ApiReply, type Method, send } from '../app.ts';
import { type Child, h } from '../elements.ts';
import type { Frame } from '../frame.ts';
import type { ServerSummary, SetupState } from './api.ts';
import { COLUMN_WORDS, KEPT } from './words.ts';

export interface Setup {
  readonly frame: Frame;
  state(): SetupState;
  ask<T>(method: Method, path: string, body?: object): Promise<ApiReply<T>>;
  /** Takes a step, and shows what came of it. Answers with why it was refused. */
  step(step: object): Promise<string | undefined>;
}

/** A view is told of each new state while it is shown. */
export interface StageView {
  update(state: SetupState): void;
}

const BASE = '/page/';

/** Sends one request of the set-up. */
export function ask<T>(frame: Frame, method: Method, path: string, body?: object): Promise<ApiReply<T>> {
  return send<T>(frame, method, BASE + path, body);
}

const STEPS: readonly (readonly [stage: SetupState['stage'], label: string])[] = [
  ['start', 'Servers'],
  ['rules', 'Rules'],
  ['mode', 'Start'],
];

/** Shows in the frame which step this is. */
export function showSteps(stage: SetupState['stage']): void {
  const place = STEPS.findIndex(([name]) => name === stage);
  const list = STEPS.map(([, label], index) =>
    h('li', index === place ? { 'aria-current': 'step' } : { class: index < place ? 'past' : '' }, label),
  );
  document.getElementById('steps')?.replaceChildren(...(place < 0 ? [] : list));
}

/** A button that does one thing. */
export function button(attributes: Readonly<Record<string, string>>, label: Child, press: () => unknown): HTMLButtonElement {
  const node = h('button', { type: 'button', ...attributes }, label);
  node.addEventListener('click', press);
  return node;
}

/** `1 tool`, `27 tools`. */
export function countOf(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

/** The text of the pieces as the server wrote it. */
export function plain(list: readonly Piece[]): string {
  return list.map(({ text }) => text).join('');
}

/** Shows the number of a server's tools in each column. */
export function pills({ counts, tools, kept }: ServerSummary): readonly HTMLElement[] {
  if (kept) return [h('span', { class: 'pill library' }, KEPT)];
  if (tools === 0) return [h('span', { class: 'soft' }, 'no tools')];
  return COLUMN_WORDS.flatMap(({ id, label }) => (counts[id] > 0 ? [h('span', { class: `pill ${id}` }, `${counts[id]} ${label}`)] : []));
}
