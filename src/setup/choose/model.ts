/** The choices so far, and the steps that change them. Pure: the page and the terminal share it. */
import type { Cover, StartMode } from '../../console/setup/words.ts';
import type { Column } from '../draft/model.ts';
import type { Choice, ServerState, ServerToChoose, ToolToChoose } from './servers.ts';

/** `start`: which servers are started. `rules`: the columns. `mode`: the last question. */
export type Stage = 'start' | 'rules' | 'mode';

export interface ChosenServer {
  readonly server: ServerToChoose;
  /** It is to be started, or was. */
  readonly ticked: boolean;
  readonly cover: Cover;
  /** By a tool's name; what is as suggested is not in it. */
  readonly columns: ReadonlyMap<string, Column>;
}

export interface Choosing {
  readonly stage: Stage;
  readonly servers: readonly ChosenServer[];
  readonly mode: StartMode;
  /** `undo` comes back to these, the newest last. */
  readonly past: readonly Undoable[];
}

interface Undoable {
  readonly server: number;
  readonly cover: Cover;
  readonly columns: ReadonlyMap<string, Column>;
}

/** A step. Servers and tools are named by their places; a step about what is not there changes nothing. */
export type ChoiceStep =
  | { readonly kind: 'tick'; readonly server: number; readonly ticked: boolean }
  | { readonly kind: 'column'; readonly server: number; readonly tools: readonly number[]; readonly column: Column | 'suggested' }
  | { readonly kind: 'cover'; readonly server: number; readonly cover: Cover }
  | { readonly kind: 'undo' }
  | { readonly kind: 'stage'; readonly stage: Stage }
  | { readonly kind: 'mode'; readonly mode: StartMode }
  | { readonly kind: 'put'; readonly id: string; readonly state: ServerState };

const MOST_UNDOABLE = 100;

/** Nothing has been chosen yet. Where nothing can be started, the rules come first. */
export function beginChoosing(servers: readonly ServerToChoose[]): Choosing {
  const chosen = servers.map((server) => ({
    server,
    ticked: server.ticked !== false && server.state.kind === 'found',
    cover: coverAtFirst(server.state),
    columns: new Map<string, Column>(),
  }));
  const canStart = servers.some(({ state }) => state.kind === 'found');
  return { stage: canStart ? 'start' : 'rules', servers: chosen, mode: 'enforce', past: [] };
}

/** Takes one step. */
export function takeStep(choosing: Choosing, step: ChoiceStep): Choosing {
  switch (step.kind) {
    case 'tick':
      return changeServer(choosing, step.server, (one) => (one.server.state.kind === 'found' ? { ...one, ticked: step.ticked } : one));
    case 'column':
      return undoable(choosing, step.server, (one) => ({ ...one, columns: withColumn(one, step.tools, step.column) }));
    case 'cover':
      return undoable(choosing, step.server, (one) => (coversOf(one.server).includes(step.cover) ? { ...one, cover: step.cover } : one));
    case 'undo':
      return undo(choosing);
    case 'stage':
      return mayEnter(choosing, step.stage) ? { ...choosing, stage: step.stage } : choosing;
    case 'mode':
      return { ...choosing, mode: step.mode };
    case 'put':
      return put(choosing, step.id, step.state);
  }
}

/** The covers that may be chosen for a server. SECURITY: rules are only offered where the tools are known. */
export function coversOf({ state, library }: ServerToChoose): readonly Cover[] {
  if (state.kind === 'scanned') return ['rules', 'open'];
  if (state.kind === 'left') return [];
  return library === undefined ? ['closed', 'open'] : ['library', 'closed', 'open'];
}

/** The column that holds for a tool now. */
export function columnOf({ columns }: ChosenServer, { name, suggested }: ToolToChoose): Column {
  return columns.get(name) ?? suggested;
}

/** The tools of a server; none where it was not scanned. */
export function toolsOf({ state }: ServerToChoose): readonly ToolToChoose[] {
  return state.kind === 'scanned' ? state.tools : [];
}

/** Lists what people should know of a server, of its scan too. */
export function notesOf({ notes = [], state }: ServerToChoose): readonly string[] {
  return state.kind === 'scanned' ? [...notes, ...(state.notes ?? [])] : notes;
}

/** The policy of the server is there, and stays as it is. */
export function isKept({ state }: ServerToChoose): boolean {
  return state.kind === 'scanned' && state.kept === true;
}

/** The servers that are still being started. */
export function startingOf({ servers }: Choosing): number {
  return servers.filter(({ server }) => server.state.kind === 'starting').length;
}

/** The servers that a person ticked, by id. */
export function tickedOf({ servers }: Choosing): readonly string[] {
  return servers.flatMap(({ server, ticked }) => (ticked && server.state.kind === 'found' ? [server.id] : []));
}

/** The choice as it is now. */
export function choiceOf({ mode, servers }: Choosing): Choice {
  const chosen = servers.filter(({ server }) => server.state.kind !== 'left');
  return { mode, servers: new Map(chosen.map(({ server, cover, columns }) => [server.id, { cover, columns }])) };
}

function coverAtFirst({ kind }: ServerState): Cover {
  return kind === 'scanned' ? 'rules' : 'open';
}

/** Nobody comes back to the ticks, nor to the last question while a server is still starting. */
function mayEnter(choosing: Choosing, stage: Stage): boolean {
  return stage === 'rules' || (stage === 'mode' && choosing.stage !== 'start' && startingOf(choosing) === 0);
}

function changeServer(choosing: Choosing, place: number, change: (one: ChosenServer) => ChosenServer): Choosing {
  const before = choosing.servers[place];
  const after = before && change(before);
  return !after || after === before ? choosing : { ...choosing, servers: choosing.servers.with(place, after) };
}

function undoable(choosing: Choosing, place: number, change: (one: ChosenServer) => ChosenServer): Choosing {
  const after = changeServer(choosing, place, change);
  const before = choosing.servers[place];
  if (after === choosing || !before) return choosing;
  const past = [...choosing.past, { server: place, cover: before.cover, columns: before.columns }];
  return { ...after, past: past.slice(-MOST_UNDOABLE) };
}

function undo(choosing: Choosing): Choosing {
  const last = choosing.past.at(-1);
  if (!last) return choosing;
  const { server, cover, columns } = last;
  return { ...changeServer(choosing, server, (one) => ({ ...one, cover, columns })), past: choosing.past.slice(0, -1) };
}

function withColumn(one: ChosenServer, places: readonly number[], column: Column | 'suggested'): ReadonlyMap<string, Column> {
  const tools = toolsOf(one.server);
  const columns = new Map(one.columns);
  for (const place of places) {
    const tool = tools[place];
    if (!tool) continue;
    if (column === 'suggested' || column === tool.suggested) columns.delete(tool.name);
    else columns.set(tool.name, column);
  }
  return columns;
}

/** A server that was scanned gets its rules, whatever was chosen before it was known. */
function put(choosing: Choosing, id: string, state: ServerState): Choosing {
  const place = choosing.servers.findIndex(({ server }) => server.id === id);
  return changeServer(choosing, place, (one) => ({
    ...one,
    server: { ...one.server, state },
    cover: state.kind === 'scanned' ? 'rules' : one.cover === 'rules' ? 'open' : one.cover,
  }));
}
