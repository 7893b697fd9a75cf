/** The last step: what was chosen, and whether it is enforced or watched first. */
import { h, heading, pieces } from '../elements.ts';
import type { ServerSummary, SetupState } from './api.ts';
import { button, pills, type Setup, type StageView } from './setup.ts';
import { COVER_WORDS, MODE_WORDS } from './words.ts';

/** Asks the last question. */
export function showMode(setup: Setup): StageView {
  const alert = h('p', { class: 'alert', role: 'alert' });
  const inputs = MODE_WORDS.map(({ id, label, says }) => {
    const input = h('input', { type: 'radio', name: 'mode', value: id });
    input.addEventListener('change', () => void setup.step({ kind: 'mode', mode: id }));
    return { input, node: h('label', { class: 'card mode' }, input, h('span', {}, h('b', {}, label), h('span', { class: 'soft' }, says))) };
  });
  const finish = button({ class: 'main' }, 'Finish', async () => {
    alert.textContent = (await setup.step({ kind: 'finish' })) ?? '';
  });
  const update = ({ mode }: SetupState) => {
    for (const { input } of inputs) input.checked = input.value === mode;
  };
  setup.frame.show('Start', [
    h(
      'div',
      { class: 'page' },
      heading('Enforce at once, or watch first?'),
      h(
        'div',
        { class: 'modes', role: 'radiogroup', 'aria-label': 'How it starts' },
        inputs.map(({ node }) => node),
      ),
      h('h2', {}, 'What you chose'),
      h(
        'ul',
        { class: 'chosen' },
        setup
          .state()
          .servers.filter(({ kind }) => kind !== 'left')
          .map(summary),
      ),
      alert,
    ),
    h(
      'div',
      { class: 'dock' },
      h(
        'div',
        { class: 'dock-inner' },
        h('p', { class: 'soft' }, 'The terminal shows every change before it is written.'),
        button({ class: 'quiet' }, 'Back', () => void setup.step({ kind: 'stage', stage: 'rules' })),
        finish,
      ),
    ),
  ]);
  update(setup.state());
  return { update };
}

function summary(server: ServerSummary): HTMLElement {
  return h(
    'li',
    {},
    h('b', {}, pieces(server.name)),
    ' ',
    server.cover === 'rules' ? pills(server) : h('span', { class: `pill ${server.cover}` }, COVER_WORDS[server.cover].chosen),
  );
}
