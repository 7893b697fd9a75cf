/** The servers on the left, each with how far it is. */
import { h, pieces } from '../elements.ts';
import type { ServerSummary } from './api.ts';
import { countOf } from './setup.ts';
import { COVER_WORDS, KEPT } from './words.ts';

const KINDS: Readonly<Record<ServerSummary['kind'], string>> = {
  found: 'not started',
  starting: 'starting …',
  scanned: '',
  login: 'needs a login',
  failed: 'failed',
  left: 'left alone',
};

/** The line under a server's name. */
function statusOf({ kind, tools, cover, changed, kept }: ServerSummary): string {
  if (cover === 'library') return COVER_WORDS.library.chosen;
  if (kind !== 'scanned') return cover === 'closed' ? `${KINDS[kind]}, closed` : KINDS[kind];
  if (kept && cover === 'rules') return KEPT;
  return cover === 'open' ? 'left open' : `${countOf(tools, 'tool')}${changed > 0 ? `, ${changed} changed` : ''}`;
}

/** Draws the servers anew where something has changed; who stands on one by keyboard stays on it. */
export function drawList(list: HTMLElement, servers: readonly ServerSummary[], place: number, open: (place: number) => void): void {
  const drawn = JSON.stringify([place, servers.map((server) => [statusOf(server), server.kind, server.cover])]);
  if (list.dataset.drawn === drawn) return;
  list.dataset.drawn = drawn;
  const focused = [...list.querySelectorAll<Element>('button')].indexOf(document.activeElement ?? list);
  const buttons = servers.map((server, index) => {
    const node = h(
      'button',
      { type: 'button', class: `${server.kind} ${server.cover}`, ...(index === place ? { 'aria-current': 'true' } : {}) },
      h('span', { class: 'dot', 'aria-hidden': 'true' }),
      h('span', { class: 'about' }, pieces(server.name), ' ', h('span', { class: 'status' }, statusOf(server))),
    );
    node.addEventListener('click', () => open(index));
    return node;
  });
  list.replaceChildren(...buttons.map((node) => h('li', {}, node)));
  buttons[focused]?.focus();
}
