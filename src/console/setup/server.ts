/** The middle of the rules: one server, what stands before it, and its tools by class. */
import { type Child, h, pieces } from '../elements.ts';
import type { ServerRules, ServerSummary, ServerTools, ToolLine } from './api.ts';
import { type GroupView, openGroup, type ToolRows } from './group.ts';
import { button, countOf, pills, plain, type Setup } from './setup.ts';
import { names } from './start.ts';
import { COLUMN_WORDS, COVER_WORDS, RISK_WORDS } from './words.ts';

interface ServerPane {
  readonly setup: Setup;
  readonly place: number;
  readonly tools: ServerTools | undefined;
  /** Shows where a tool stands in the policy. */
  pointAt(name: string): void;
}

export interface ServerView {
  readonly nodes: readonly Node[];
  update(server: ServerSummary): void;
  /** Takes the columns as they are chosen now. */
  take(rules: ServerRules): void;
}

/** Shows one server. */
export function openServer(pane: ServerPane): ServerView {
  const { setup, place, tools } = pane;
  const server = setup.state().servers[place];
  if (!server) return { nodes: [], update() {}, take() {} };
  const cover = h('div', { class: 'cover' });
  const sum = h('p', { class: 'pills' });
  const list = tools ? openToolList(pane, tools) : undefined;
  return {
    nodes: [
      h(
        'div',
        { class: 'server-head' },
        h('h2', { id: 'server', class: 'server-name' }, pieces(server.name)),
        h(
          'p',
          { class: 'soft' },
          h('span', { class: 'clients' }, names(server.clients)),
          server.clients.length > 0 ? ' · ' : null,
          h('span', { class: 'command' }, pieces(server.command)),
        ),
        sum,
        server.notes.map((note) => h('p', { class: 'note prose' }, pieces(note))),
        cover,
      ),
      ...(list ? list.nodes : []),
    ],
    update(now) {
      drawCover(cover, setup, place, now);
      list?.setShown(now.cover === 'rules' && !now.kept);
      sum.replaceChildren(...(now.cover === 'rules' ? pills(now) : []));
    },
    take: (rules) => list?.take(rules),
  };
}

const WHY: Partial<Readonly<Record<ServerSummary['kind'], string>>> = {
  found: 'It was not started, so its tools are not known.',
  login: 'It asks for a login, so its tools are not known.',
  failed: 'It could not be scanned, so its tools are not known.',
  left: 'It is left alone.',
};

/** Shows the covers to choose from. They are drawn anew only where they changed. */
function drawCover(node: HTMLElement, setup: Setup, place: number, server: ServerSummary): void {
  const drawn = JSON.stringify([server.kind, server.covers, server.why]);
  if (node.dataset.drawn !== drawn) {
    node.dataset.drawn = drawn;
    node.replaceChildren(...coverNodes(setup, place, server));
  }
  for (const input of node.querySelectorAll('input')) input.checked = input.value === server.cover;
}

function coverNodes(setup: Setup, place: number, server: ServerSummary): readonly Node[] {
  if (server.kind === 'starting')
    return [h('p', { class: 'soft' }, h('span', { class: 'spin', 'aria-hidden': 'true' }), 'Starting it, to learn its tools …')];
  const why = WHY[server.kind];
  const choices = h(
    'div',
    { class: 'covers', role: 'radiogroup', 'aria-label': 'What stands before it' },
    server.covers.map((cover) => {
      const input = h('input', { type: 'radio', name: `cover-${place}`, value: cover });
      input.addEventListener('change', () => void setup.step({ kind: 'cover', server: place, cover }));
      const { label, says } = COVER_WORDS[cover];
      return h('label', {}, input, h('span', {}, h('b', {}, label), ' ', h('span', { class: 'soft' }, says)));
    }),
  );
  const retry = button(
    { class: 'quiet' },
    server.kind === 'found' ? 'Start it' : 'Try again',
    () => void setup.step({ kind: 'retry', server: place }),
  );
  return [
    ...(why ? [h('p', {}, why)] : []),
    ...(server.why.length > 0 ? [h('p', { class: 'alert prose' }, pieces(server.why))] : []),
    ...(why && server.kind !== 'left' ? [retry] : []),
    ...(server.covers.length > 0 ? [choices] : []),
  ];
}

interface ToolList {
  readonly nodes: readonly HTMLElement[];
  setShown(isShown: boolean): void;
  take(rules: ServerRules): void;
}

function openToolList({ setup, place, pointAt }: ServerPane, { tools }: ServerTools): ToolList {
  const search = h('input', {
    type: 'search',
    placeholder: 'Search tools',
    'aria-label': 'Search tools',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const body = h('div', { class: 'groups' });
  const found = h('p', { class: 'soft found-count', role: 'status' });
  const box = h('div', { class: 'tools' }, h('div', { class: 'find' }, search, keysHint()), found, head(), body);
  let columns = '';
  let groups: readonly GroupView[] = [];
  const rows: ToolRows = {
    columnOf: (tool) => COLUMN_WORDS[Number(columns[tool])]?.id ?? tools[tool]?.suggested ?? 'deny',
    async set(chosen, column) {
      const why = await setup.step({ kind: 'column', server: place, column, ...chosen });
      if (why !== undefined) setup.frame.announce(why);
    },
    announce: setup.frame.announce,
    pointAt,
  };
  const draw = () => {
    const places = findTools(tools, search.value);
    const isAll = places.length === tools.length;
    found.textContent = isAll ? '' : `${countOf(places.length, 'tool')} found`;
    groups = RISK_WORDS.flatMap((risk) => {
      const own = places.filter((tool) => tools[tool]?.risk === risk.id);
      return own.length > 0 ? [openGroup(rows, risk, own, tools, isAll)] : [];
    });
    body.replaceChildren(...groups.map(({ node }) => node));
  };
  search.addEventListener('input', draw);
  box.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target === search) return;
    event.preventDefault();
    search.focus();
  });
  draw();
  return {
    nodes: [box],
    setShown(isShown) {
      box.hidden = !isShown;
    },
    take(rules) {
      columns = rules.columns;
      for (const group of groups) group.update();
    },
  };
}

/** The columns' names, which stay in sight. Each choice has its own name for those who listen. */
function head(): HTMLElement {
  return h(
    'div',
    { class: 'head', 'aria-hidden': 'true' },
    h('span', {}),
    COLUMN_WORDS.map(({ label, short, says }) =>
      h('span', { class: 'title', title: says }, h('b', {}, label), h('span', { class: 'soft' }, short)),
    ),
  );
}

function keysHint(): Child {
  const key = (text: string) => h('kbd', {}, text);
  return h('p', { class: 'keys soft' }, key('←'), key('→'), ' choose  ', key('↑'), key('↓'), ' next tool  ', key('/'), ' search');
}

/** The places of the tools that have each word of the text in their name, class or description. */
function findTools(tools: readonly ToolLine[], text: string): readonly number[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...tools.keys()];
  if (words.length === 0) return all;
  return all.filter((place) => {
    const tool = tools[place];
    const own = tool ? `${plain(tool.name)} ${tool.risk} ${plain(tool.description)}`.toLowerCase() : '';
    return words.every((word) => own.includes(word));
  });
}
