/** Lays out the choices on the terminal: a headline, a list, what stands behind its line, and the keys. Pure. */
import { COVER_WORDS, MODE_WORDS } from '../../console/setup/words.ts';
import { type Choosing, type ChosenServer, notesOf, startingOf } from '../../setup/choose/model.ts';
import { columnsOf } from '../approvals/marked.ts';
import { fit } from '../approvals/table.ts';
import { type Paint, shown } from '../paint.ts';
import type { ChoiceCursor } from './cursor.ts';
import { type ChoiceView, pad, statusOf, windowOf, wrap } from './lines.ts';
import { layTools, policyLines } from './tools-view.ts';

const NARROWEST = 60;
const LOWEST = 14;

/** A whole screen: a line for each row of the terminal. */
export function layChoices(choosing: Choosing, cursor: ChoiceCursor, view: ChoiceView): readonly string[] {
  const { columns, rows } = view.size;
  if (columns < NARROWEST || rows < LOWEST)
    return [fit(`the window is too small: it needs ${NARROWEST} columns and ${LOWEST} rows`, columns - 1)];
  const body = bodyOf(choosing, cursor, view);
  const height = rows - 1;
  const filled = [...body.slice(0, height), ...Array<string>(Math.max(height - body.length, 0)).fill('')];
  return [...filled, footer(choosing, cursor, view)];
}

function bodyOf(choosing: Choosing, cursor: ChoiceCursor, view: ChoiceView): readonly string[] {
  if (choosing.stage === 'mode') return layMode(choosing, view);
  if (choosing.stage === 'start' || cursor.screen === 'servers') return layServers(choosing, cursor, view);
  return cursor.screen === 'policy' ? layPolicy(choosing, cursor, view) : layTools(choosing, cursor, view);
}

function footer({ stage }: Choosing, cursor: ChoiceCursor, { size, paint, notice }: ChoiceView): string {
  const width = size.columns - 1;
  if (cursor.isLeaving) return paint('yellow', fit('cancel the set-up? nothing was written.  y cancels, any other key goes on', width));
  if (notice !== '') return paint('yellow', fit(shown(notice), width));
  return paint('dim', fit(keysOf(stage, cursor), width));
}

function keysOf(stage: Choosing['stage'], { screen, isTyping }: ChoiceCursor): string {
  if (stage === 'start') return '↑↓ move   space tick   enter start the ticked ones   q cancel';
  if (stage === 'mode') return '↑↓ choose   enter finish   esc back   q cancel';
  if (isTyping) return 'type a part of a name or description   enter done   esc all tools';
  if (screen === 'policy') return '↑↓ space scroll   esc back   q cancel';
  if (screen === 'tools') return '↑↓ ←→ 1-5 choose  s suggested  u undo  / search  p policy  esc back  n next';
  return '↑↓ move   enter tools   c cover or open   r start again   n next   q cancel';
}

function layServers(choosing: Choosing, cursor: ChoiceCursor, view: ChoiceView): readonly string[] {
  const { paint, size } = view;
  const width = size.columns - 1;
  const isStart = choosing.stage === 'start';
  const starting = startingOf(choosing);
  const title = isStart ? 'Which servers should Intercept protect?' : 'The servers';
  const lead = isStart
    ? 'Those that are ticked are started once, as their clients start them, to learn their tools. Nothing is changed yet.'
    : starting > 0
      ? `${starting} still starting …`
      : 'Enter shows the tools of a server, and what each may do.';
  const names = Math.min(Math.max(8, ...choosing.servers.map(({ server }) => columnsOf(shown(server.name)))), Math.floor(width / 3));
  const head = [paint('bold', fit(title, width)), ...wrap(lead, width).map((line) => paint('dim', line)), ''];
  const detail = serverDetail(choosing.servers[cursor.server], view);
  const height = Math.max(3, size.rows - 1 - head.length - detail.length);
  const { from, items } = windowOf(choosing.servers, cursor.server, height);
  const lines = items.map((one, index) => serverLine(one, { isStart, isHere: from + index === cursor.server, names, width, paint }));
  return [...head, ...lines, ...Array<string>(Math.max(height - lines.length, 0)).fill(''), ...detail];
}

interface ServerLineView {
  readonly isStart: boolean;
  readonly isHere: boolean;
  readonly names: number;
  readonly width: number;
  readonly paint: Paint;
}

function serverLine(one: ChosenServer, { isStart, isHere, names, width, paint }: ServerLineView): string {
  const { server, ticked } = one;
  const box = isStart ? (server.state.kind === 'left' ? '    ' : ticked ? '[x] ' : '[ ] ') : '';
  const name = pad(fit(shown(server.name), names), names);
  const rest = width - 2 - box.length - names - 2;
  const clients = fit(server.clients.map((client) => shown(client)).join(', '), 24);
  const text = isStart && server.state.kind !== 'left' ? `${pad(clients, 24)}  ${shown(server.command)}` : '';
  const status = isStart && text !== '' ? paint('dim', fit(text, rest)) : statusOf(one, rest, paint);
  return `${isHere ? '› ' : '  '}${box}${isHere ? paint('bold', name) : name}  ${status}`;
}

function serverDetail(one: ChosenServer | undefined, { paint, size }: ChoiceView): readonly string[] {
  if (!one) return [];
  const width = size.columns - 1;
  const { clients, command, state, library } = one.server;
  const lines = [
    shown(command, 400),
    `in ${clients.map((client) => shown(client)).join(', ')}`,
    ...notesOf(one.server).map((note) => shown(note, 400)),
    ...('why' in state ? [shown(state.why, 400)] : []),
    ...(library !== undefined && state.kind !== 'scanned' && state.kind !== 'left'
      ? [`the library has a policy for it: ${shown(library)}`]
      : []),
  ];
  const wrapped = lines.flatMap((line) => wrap(line, width)).slice(0, 6);
  return [paint('dim', '─'.repeat(width)), ...wrapped];
}

function layMode({ mode, servers }: Choosing, { paint, size }: ChoiceView): readonly string[] {
  const width = size.columns - 1;
  const options = MODE_WORDS.flatMap(({ id, label, says }) => [
    `${id === mode ? '› (x) ' : '  ( ) '}${id === mode ? paint('bold', label) : label}`,
    ...wrap(says, width - 6).map((line) => `      ${paint('dim', line)}`),
    '',
  ]);
  const names = Math.min(Math.max(8, ...servers.map(({ server }) => columnsOf(shown(server.name)))), Math.floor(width / 3));
  const chosen = servers
    .filter(({ server }) => server.state.kind !== 'left')
    .map((one) => {
      const rest = width - names - 4;
      const what =
        one.cover === 'rules'
          ? statusOf(one, rest, paint)
          : paint(one.cover === 'open' ? 'yellow' : 'green', COVER_WORDS[one.cover].chosen);
      return `  ${pad(fit(shown(one.server.name), names), names)}  ${what}`;
    });
  const head = [paint('bold', 'Enforce at once, or watch first?'), '', ...options, paint('bold', 'What you chose')];
  const last = ['', paint('dim', fit('After this, every change is shown before it is written.', width))];
  const room = Math.max(1, size.rows - 1 - head.length - last.length);
  const listed = chosen.length <= room ? chosen : [...chosen.slice(0, room - 1), `  and ${chosen.length - room + 1} more`];
  return [...head, ...listed, ...last];
}

function layPolicy({ servers }: Choosing, cursor: ChoiceCursor, view: ChoiceView): readonly string[] {
  const { paint, size, preview } = view;
  const width = size.columns - 1;
  const name = shown(servers[cursor.server]?.server.name ?? '');
  const lines = policyLines(preview, width, paint);
  const height = size.rows - 3;
  const top = Math.max(0, Math.min(cursor.top, lines.length - height));
  return [paint('bold', fit(`The policy of ${name}, as it will be written`, width)), '', ...lines.slice(top, top + height)];
}
