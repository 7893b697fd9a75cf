/** The ends of the set-up: finished, cancelled, and a page whose link is of no use. */
import { h, heading } from '../elements.ts';
import type { Frame } from '../frame.ts';
import { button, type Setup } from './setup.ts';

/** Says how it ended; the rest is asked in the terminal. */
export function showEnd({ frame, state }: Setup): undefined {
  const isDone = state().stage === 'done';
  frame.show(isDone ? 'Chosen' : 'Cancelled', [
    h(
      'div',
      { class: 'card end' },
      heading(isDone ? 'Go on in the terminal' : 'Cancelled'),
      isDone
        ? h('p', {}, 'Your choices are made. The terminal shows each change before anything is written. You can close this tab.')
        : h('p', {}, 'Nothing was written, and nothing has changed. You can close this tab.'),
    ),
  ]);
}

/** Says that the page needs another link. */
export function showLocked(frame: Frame, why: string): void {
  frame.show('Locked', [
    h(
      'div',
      { class: 'card end' },
      heading('This page opens by its link'),
      h('p', {}, `It says: ${why}.`),
      h('p', { class: 'soft' }, 'Press Enter in the terminal, and open the link that it shows.'),
    ),
  ]);
}

/** Asks before it cancels everything. */
export function askToCancel(setup: Setup): void {
  const stay = button({}, 'Go on choosing', () => dialog.close());
  const leave = button({ class: 'no' }, 'Cancel the set-up', () => {
    dialog.close();
    void setup.step({ kind: 'cancel' });
  });
  const dialog = h(
    'dialog',
    { class: 'card', 'aria-labelledby': 'cancel' },
    h('h2', { id: 'cancel' }, 'Cancel the set-up?'),
    h('p', {}, 'Nothing has been written. Your choices are lost.'),
    h('div', { class: 'buttons' }, stay, leave),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
