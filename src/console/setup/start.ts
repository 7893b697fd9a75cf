/** The first step: which servers are started, so that their tools are known. */
import { type Child, h, heading, pieces } from '../elements.ts';
import type { ServerSummary, SetupState } from './api.ts';
import { button, countOf, type Setup, type StageView } from './setup.ts';

/** Shows the servers that were found. */
export function showStart(setup: Setup): StageView {
  const { servers } = setup.state();
  const boxes = new Map<number, HTMLInputElement>();
  const go = button({ class: 'main' }, '', () => void setup.step({ kind: 'start' }));
  const say = (state: SetupState) => {
    const ticked = state.servers.filter(({ kind, ticked }) => kind === 'found' && ticked).length;
    go.textContent = ticked === 0 ? 'Go on without starting any' : `Start ${countOf(ticked, 'server')}`;
    for (const [place, box] of boxes) box.checked = state.servers[place]?.ticked ?? false;
  };
  const numbered = servers.map((server, place) => ({ server, place }));
  const found = numbered.filter(({ server }) => server.kind !== 'left');
  const left = numbered.filter(({ server }) => server.kind === 'left');
  setup.frame.show('Servers', [
    h(
      'div',
      { class: 'page' },
      heading('Which servers should Intercept protect?'),
      h(
        'p',
        { class: 'lead soft' },
        'Your MCP clients know these servers. Each one that is ticked is started once, as its client starts it, to learn which tools it has. Nothing is changed yet.',
      ),
      h(
        'ul',
        { class: 'found' },
        found.map(({ server, place }) => h('li', {}, tickable(setup, server, place, boxes))),
      ),
      left.length === 0 ? null : [h('h2', {}, 'Left alone'), h('ul', { class: 'found' }, left.map(leftAlone))],
    ),
    h('div', { class: 'dock' }, h('div', { class: 'dock-inner' }, h('p', { class: 'soft' }, countOf(found.length, 'server')), go)),
  ]);
  say(setup.state());
  return { update: say };
}

function tickable(setup: Setup, server: ServerSummary, place: number, boxes: Map<number, HTMLInputElement>): HTMLElement {
  if (server.kind !== 'found') return h('div', { class: 'card server' }, about(server));
  const box = h('input', { type: 'checkbox', 'aria-describedby': `about-${place}` });
  boxes.set(place, box);
  box.addEventListener('change', () => void setup.step({ kind: 'tick', server: place, ticked: box.checked }));
  return h('label', { class: 'card server' }, box, h('span', { class: 'about' }, h('b', {}, pieces(server.name)), details(server, place)));
}

function about(server: ServerSummary): Child {
  return h('span', { class: 'about' }, h('b', {}, pieces(server.name)), details(server));
}

/** The clients that have it, and what starts it. */
function details({ clients, command, notes }: ServerSummary, place?: number): HTMLElement {
  return h(
    'span',
    { class: 'details', ...(place === undefined ? {} : { id: `about-${place}` }) },
    h('span', { class: 'clients soft' }, names(clients)),
    h('span', { class: 'command' }, pieces(command)),
    notes.map((note) => h('span', { class: 'soft prose' }, pieces(note))),
  );
}

/** Names in a row. */
export function names(list: ServerSummary['clients']): Child {
  return list.map((name, index) => [index > 0 ? ', ' : null, pieces(name)]);
}

function leftAlone({ server }: { readonly server: ServerSummary }): HTMLElement {
  return h('li', {}, h('div', { class: 'card server left' }, about(server), h('p', { class: 'soft prose' }, pieces(server.why))));
}
