/** Where the person stands in the choices on the terminal, and what their keys ask for. Pure. */
import { COLUMN_WORDS, MODE_WORDS } from '../../console/setup/words.ts';
import { groupTools } from '../../setup/choose/groups.ts';
import { type Choosing, columnOf, coversOf, isKept, toolsOf } from '../../setup/choose/model.ts';
import type { ChoiceRequest } from '../../setup/choose/request.ts';
import type { Risk } from '../../setup/risk/risk.ts';
import type { Key } from '../approvals/keys.ts';

export interface ChoiceCursor {
  /** In the rules: the list of servers, the tools of one, or its policy. */
  readonly screen: 'servers' | 'tools' | 'policy';
  readonly server: number;
  /** The row of the tools' list. */
  readonly row: number;
  readonly search: string;
  /** Keys go into the search. */
  readonly isTyping: boolean;
  /** The first line of the policy. */
  readonly top: number;
  /** The next key says whether everything is cancelled. */
  readonly isLeaving: boolean;
}

export interface PressedKey {
  readonly cursor: ChoiceCursor;
  readonly asked?: ChoiceRequest | undefined;
}

/** One line of the tools' list: a class, or a tool by its place. */
export type ToolRow =
  | { readonly kind: 'class'; readonly risk: Risk; readonly tools: readonly number[] }
  | { readonly kind: 'tool'; readonly tool: number };

export const AT_FIRST: ChoiceCursor = { screen: 'servers', server: 0, row: 0, search: '', isTyping: false, top: 0, isLeaving: false };

const MOST_SEARCH = 60;

/** The lines of the tools' list, those of a search where there is one. */
export function rowsOf({ servers }: Choosing, { server, search }: ChoiceCursor): readonly ToolRow[] {
  const one = servers[server];
  if (!one) return [];
  return groupTools(toolsOf(one.server), search).flatMap(({ risk, tools }) => [
    { kind: 'class', risk, tools } as const,
    ...tools.map((tool) => ({ kind: 'tool', tool }) as const),
  ]);
}

/** Applies one key. */
export function pressChoiceKey(cursor: ChoiceCursor, key: Key, choosing: Choosing): PressedKey {
  if (key.kind === 'quit') return { cursor, asked: { kind: 'cancel' } };
  const name = key.kind === 'text' ? key.text : key.kind;
  if (cursor.isLeaving) return { cursor: { ...cursor, isLeaving: false }, ...(name === 'y' ? { asked: { kind: 'cancel' } as const } : {}) };
  if (cursor.isTyping) return { cursor: typeInSearch(cursor, key) };
  if (name === 'q') return { cursor: { ...cursor, isLeaving: true } };
  if (name === 'u') return { cursor, asked: { kind: 'undo' } };
  if (choosing.stage === 'mode') return pressInMode(cursor, name, choosing);
  if (cursor.screen === 'policy') return { cursor: pressInPolicy(cursor, name, choosing) };
  return cursor.screen === 'tools' && choosing.stage === 'rules'
    ? pressInTools(cursor, name, choosing)
    : pressInServers(cursor, name, choosing);
}

function pressInServers(cursor: ChoiceCursor, name: string, choosing: Choosing): PressedKey {
  const one = choosing.servers[cursor.server];
  const server = cursor.server;
  if (choosing.stage === 'start') {
    if (name === 'enter') return { cursor: { ...cursor, server: 0 }, asked: { kind: 'start' } };
    if (name === ' ' && one) return { cursor, asked: { kind: 'tick', server, ticked: !one.ticked } };
  } else if (one) {
    if (name === 'n') return { cursor, asked: { kind: 'stage', stage: 'mode' } };
    if (name === 'r') return { cursor, asked: { kind: 'retry', server } };
    if (name === 'enter' || name === 'right')
      return {
        cursor: one.cover === 'rules' ? { ...cursor, screen: isKept(one.server) ? 'policy' : 'tools', row: 1, search: '', top: 0 } : cursor,
      };
    if (name === 'c') {
      const covers = coversOf(one.server);
      const cover = covers[(covers.indexOf(one.cover) + 1) % covers.length];
      return { cursor, asked: cover && { kind: 'cover', server, cover } };
    }
  }
  return { cursor: { ...cursor, server: moved(name, server, choosing.servers.length) } };
}

function pressInTools(cursor: ChoiceCursor, name: string, choosing: Choosing): PressedKey {
  switch (name) {
    case 'escape':
      return { cursor: cursor.search === '' ? { ...cursor, screen: 'servers' } : { ...cursor, search: '', row: 1 } };
    case '/':
      return { cursor: { ...cursor, isTyping: true, search: '' } };
    case 'p':
      return { cursor: { ...cursor, screen: 'policy', top: 0 } };
    case 'n':
      return { cursor: { ...cursor, screen: 'servers' }, asked: { kind: 'stage', stage: 'mode' } };
    default:
      return pressOnRow(cursor, name, choosing);
  }
}

/** On a tool a column is for it, on a class for all of its tools that are found. */
function pressOnRow(cursor: ChoiceCursor, name: string, choosing: Choosing): PressedKey {
  const rows = rowsOf(choosing, cursor);
  const row = rows[cursor.row];
  const one = choosing.servers[cursor.server];
  if (!row || !one) return { cursor: { ...cursor, row: moved(name, cursor.row, rows.length) } };
  const tools = row.kind === 'class' ? row.tools : [row.tool];
  const set = (column: Extract<ChoiceRequest, { kind: 'column' }>['column']): PressedKey => ({
    cursor,
    asked: { kind: 'column', server: cursor.server, tools, column },
  });
  if (name === 's') return set('suggested');
  const digit = COLUMN_WORDS[Number(name) - 1];
  if (digit && name !== ' ') return set(digit.id);
  if (name !== 'left' && name !== 'right') return { cursor: { ...cursor, row: moved(name, cursor.row, rows.length) } };
  const tool = toolsOf(one.server)[tools[0] ?? -1];
  const at = tool ? COLUMN_WORDS.findIndex(({ id }) => id === columnOf(one, tool)) : -1;
  const next = COLUMN_WORDS[at + (name === 'right' ? 1 : -1)];
  return next ? set(next.id) : { cursor };
}

function pressInMode(cursor: ChoiceCursor, name: string, { mode }: Choosing): PressedKey {
  if (name === 'escape' || name === 'left') return { cursor, asked: { kind: 'stage', stage: 'rules' } };
  if (name === 'enter') return { cursor, asked: { kind: 'finish' } };
  const ids = MODE_WORDS.map(({ id }) => id);
  const next = ids[moved(name, ids.indexOf(mode), ids.length)];
  return next && next !== mode ? { cursor, asked: { kind: 'mode', mode: next } } : { cursor };
}

function pressInPolicy(cursor: ChoiceCursor, name: string, { servers }: Choosing): ChoiceCursor {
  const one = servers[cursor.server];
  if (name === 'escape' || name === 'p' || name === 'left') return { ...cursor, screen: one && isKept(one.server) ? 'servers' : 'tools' };
  // The view knows where the end is, and stops there.
  return { ...cursor, top: moved(name, cursor.top, Number.MAX_SAFE_INTEGER) };
}

function typeInSearch(cursor: ChoiceCursor, key: Key): ChoiceCursor {
  switch (key.kind) {
    case 'enter':
    case 'down':
      return { ...cursor, isTyping: false, row: 1 };
    case 'escape':
      return { ...cursor, isTyping: false, search: '', row: 1 };
    case 'backspace':
      return { ...cursor, search: [...cursor.search].slice(0, -1).join(''), row: 1 };
    case 'text':
    case 'pasted':
      return { ...cursor, search: (cursor.search + key.text.replace(/\p{C}+/gu, ' ')).slice(0, MOST_SEARCH), row: 1 };
    default:
      return cursor;
  }
}

const MOVES: Readonly<Record<string, number>> = {
  ...{ up: -1, k: -1, down: 1, j: 1, page_up: -10, page_down: 10, ' ': 10 },
  ...{ top: Number.NEGATIVE_INFINITY, bottom: Number.POSITIVE_INFINITY },
};

function moved(name: string, at: number, count: number): number {
  return Math.min(Math.max(at + (MOVES[name] ?? 0), 0), Math.max(count - 1, 0));
}
