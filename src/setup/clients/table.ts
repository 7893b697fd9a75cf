/** The table of clients, and what other rooms ask it. */
import type { ClientId, Dialect } from './ids.ts';
import { AGENTS } from './rows/agents.ts';
import { APPS, EDITORS } from './rows/editors.ts';
import type { ClientRow } from './rows/row.ts';
import { SHAPES } from './shapes.ts';
import type { ClientScope } from './types.ts';

/** All clients. Where several read one file, the first of them says how its entries are written. */
export const CLIENTS: readonly ClientRow[] = [...AGENTS, ...EDITORS, ...APPS];

/** The row of a client. */
export function clientRow(id: ClientId): ClientRow {
  const row = CLIENTS.find((client) => client.id === id);
  if (!row) throw new TypeError(`no row for ${id}`);
  return row;
}

/** Says how a client takes a change, as an order to a person; for a project's file what it asks besides. */
export function nextSteps(id: ClientId, scope: ClientScope): readonly string[] {
  const { next, nextInProject } = clientRow(id);
  return scope === 'project' && nextInProject !== undefined ? [next, nextInProject] : [next];
}

const FOLDERS: Readonly<Partial<Record<Dialect, string>>> = { vscode: '${workspaceFolder}', 'env-colon': '${workspaceFolder}' };

/** The reference that a client resolves to the project's folder in arguments; undefined where it has none. */
export function workspaceFolderOf(id: ClientId): string | undefined {
  return FOLDERS[SHAPES[clientRow(id).shape].references];
}
