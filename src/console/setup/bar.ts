/** The bar at the bottom of the rules: what is covered in all, undo, and the way on. */
import { h } from '../elements.ts';
import type { SetupState } from './api.ts';
import { button, countOf, type Setup } from './setup.ts';

interface Bar {
  readonly node: HTMLElement;
  /** `hasPolicy`: the server that is shown has one to look at. */
  update(state: SetupState, hasPolicy: boolean): void;
}

/** Makes the bar. `togglePolicy` is for screens on which the policy has no place beside the tools. */
export function openBar(setup: Setup, togglePolicy: () => void): Bar {
  const sum = h('p', { class: 'sum' });
  const undo = button({ class: 'quiet' }, 'Undo', async () => {
    await setup.step({ kind: 'undo' });
    setup.frame.announce('Undone.');
  });
  const policy = button({ class: 'quiet policy-toggle', 'aria-controls': 'policy' }, 'Policy', togglePolicy);
  const next = button({ class: 'main' }, 'Next', () => void setup.step({ kind: 'stage', stage: 'mode' }));
  return {
    node: h('div', { class: 'dock' }, h('div', { class: 'dock-inner' }, sum, policy, undo, next)),
    update({ servers, canUndo }, hasPolicy) {
      policy.hidden = !hasPolicy;
      const starting = servers.filter(({ kind }) => kind === 'starting').length;
      const chosen = servers.filter(({ kind }) => kind !== 'left');
      const covered = chosen.filter(({ cover }) => cover !== 'open').length;
      undo.disabled = !canUndo;
      next.disabled = starting > 0;
      sum.textContent =
        starting > 0 ? `${countOf(starting, 'server')} still starting` : `${covered} of ${countOf(chosen.length, 'server')} covered`;
    },
  };
}
