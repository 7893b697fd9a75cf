/** The second step: servers on the left, the tools of one in the middle, and its policy beside them. */
import { h } from '../elements.ts';
import type { ServerRules, ServerSummary, ServerTools, SetupState } from './api.ts';
import { openBar } from './bar.ts';
import { openPolicy, type PolicyPane } from './policy.ts';
import { openServer, type ServerView } from './server.ts';
import { drawList } from './server-list.ts';
import type { Setup, StageView } from './setup.ts';

/** The policy is asked for so long after the last change, ms. */
const SETTLE = 120;
/** Of a server with so many tools it takes long to check, so more changes are awaited. */
const MANY = 1_000;
const SETTLE_MANY = 800;

/** The server that is shown. */
interface Opened {
  readonly place: number;
  readonly kind: ServerSummary['kind'];
  /** Undefined until its tools have come. */
  view: ServerView | undefined;
  /** The revision of the rules that are shown. */
  revision: number;
}

interface Panes {
  readonly setup: Setup;
  readonly middle: HTMLElement;
  readonly policy: PolicyPane;
  /** The tools of a server, which are asked for once. */
  readonly known: Map<number, ServerTools>;
}

/** Shows the servers, and the rules of the first that is known. */
export function showRules(setup: Setup): StageView {
  const list = h('ul', {});
  const middle = h('section', { class: 'server-pane', 'aria-labelledby': 'server' });
  const policy = openPolicy();
  const bar = openBar(setup, policy.toggle);
  const panes: Panes = { setup, middle, policy, known: new Map() };
  let opened: Opened | undefined;
  let isPicked = false;
  let timer = 0;
  const open = async (place: number) => {
    const server = setup.state().servers[place];
    if (!server) return;
    const next: Opened = { place, kind: server.kind, view: undefined, revision: -1 };
    opened = next;
    await fill(panes, next, () => opened === next);
    if (opened === next) draw(setup.state());
  };
  const pick = (place: number) => {
    isPicked = true;
    void open(place);
  };
  const draw = (state: SetupState) => {
    drawList(list, state.servers, opened?.place ?? -1, pick);
    const server = state.servers[opened?.place ?? -1];
    bar.update(state, server?.cover === 'rules');
    if (!server || !opened?.view) return;
    opened.view.update(server);
    policy.show(server.cover === 'rules');
    if (server.kind !== 'scanned' || opened.revision >= state.revision) return;
    const shown = opened;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void refresh(panes, shown, () => opened === shown), server.tools > MANY ? SETTLE_MANY : SETTLE);
  };
  const update = (state: SetupState) => {
    const place = isPicked && opened ? opened.place : firstToShow(state.servers, opened?.place ?? -1);
    if (place !== opened?.place || state.servers[place]?.kind !== opened.kind) void open(place);
    else draw(state);
  };
  setup.frame.show('Rules', [
    h('h1', { tabindex: '-1', class: 'hidden' }, 'What may each tool do?'),
    h('div', { class: 'panes' }, h('nav', { class: 'servers', 'aria-label': 'Servers' }, list), middle, policy.node),
    bar.node,
  ]);
  update(setup.state());
  return { update };
}

/** Fills the middle with a server, once its tools have come. */
async function fill({ setup, middle, policy, known }: Panes, opened: Opened, isShown: () => boolean): Promise<void> {
  const { place, kind } = opened;
  let tools = kind === 'scanned' ? known.get(place) : undefined;
  if (kind === 'scanned' && !tools) {
    const reply = await setup.ask<ServerTools>('GET', `tools/${place}`);
    if (!isShown() || reply.kind !== 'ok') return;
    tools = reply.value;
    known.set(place, tools);
  }
  opened.view = openServer({ setup, place, tools, pointAt: policy.pointAt });
  middle.replaceChildren(...opened.view.nodes);
}

/** Brings the columns and the policy up to date. */
async function refresh({ setup, policy }: Panes, opened: Opened, isShown: () => boolean): Promise<void> {
  const reply = await setup.ask<ServerRules>('GET', `rules/${opened.place}`);
  if (reply.kind !== 'ok' || !isShown()) return;
  opened.revision = reply.value.revision;
  opened.view?.take(reply.value);
  policy.take(reply.value);
}

/** Until the person picks one, the first whose tools are known is shown, and stays. */
function firstToShow(servers: readonly ServerSummary[], place: number): number {
  if (servers[place]?.kind === 'scanned') return place;
  const scanned = servers.findIndex(({ kind }) => kind === 'scanned');
  if (scanned >= 0) return scanned;
  return Math.max(
    0,
    servers.findIndex(({ kind }) => kind !== 'left'),
  );
}
