/** The lines that the screens of the choices are made of. Pure. */
import { COLUMN_WORDS, COVER_WORDS, KEPT } from '../../console/setup/words.ts';
import type { PolicyPreview } from '../../setup/choose/chooser.ts';
import { countColumns } from '../../setup/choose/groups.ts';
import { type ChosenServer, isKept, toolsOf } from '../../setup/choose/model.ts';
import type { Column } from '../../setup/draft/draft.ts';
import { columnsOf } from '../approvals/marked.ts';
import { fit } from '../approvals/table.ts';
import { type Colour, type Paint, shown } from '../paint.ts';
import type { Size } from '../terminal.ts';

/** Columns of a number of tools, so that what follows stands below each other. */
const TOOLS = 8;

export interface ChoiceView {
  readonly size: Size;
  readonly paint: Paint;
  /** The policy of the server at the cursor, as far as it is drafted. */
  readonly preview: PolicyPreview | undefined;
  /** Why the last key did nothing. */
  readonly notice: string;
}

export const COLOURS: Readonly<Record<Column, Colour>> = { allow: 'green', limit: 'cyan', approve: 'yellow', deny: 'red', hide: 'dim' };

/** A list that keeps the chosen line in sight. */
export function windowOf<Item>(
  items: readonly Item[],
  at: number,
  height: number,
): { readonly from: number; readonly items: readonly Item[] } {
  const from = Math.max(0, Math.min(at - Math.floor(height / 2), items.length - height));
  return { from, items: items.slice(from, from + height) };
}

/** Renders how far a server is, and its cover. */
export function statusOf(one: ChosenServer, width: number, paint: Paint): string {
  const { state } = one.server;
  switch (state.kind) {
    case 'found':
      return paint('dim', fit(one.cover === 'open' ? 'not started' : `not started, ${COVER_WORDS[one.cover].chosen}`, width));
    case 'starting':
      return paint('cyan', 'starting …');
    case 'scanned':
      if (isKept(one.server) && one.cover === 'rules') return paint('green', fit(KEPT, width));
      return one.cover === 'rules' ? countsOf(one, width, paint) : paint('yellow', fit(COVER_WORDS.open.chosen, width));
    case 'login':
    case 'failed': {
      const cover = one.cover === 'open' ? '' : `${COVER_WORDS[one.cover].chosen}; `;
      return paint('red', fit(`${cover}${state.kind === 'login' ? 'needs a login' : 'failed'}: ${shown(state.why)}`, width));
    }
    case 'left':
      return paint('dim', fit(`left alone: ${shown(state.why)}`, width));
  }
}

/** `17 tools   8 rate limit   6 require approval   3 deny`. */
export function countsOf(one: ChosenServer, width: number, paint: Paint): string {
  const counts = countColumns(one);
  const tools = toolsOf(one.server).length;
  const parts = COLUMN_WORDS.filter(({ id }) => counts[id] > 0).map(({ id, label }) => ({
    id,
    text: `${counts[id]} ${label.toLowerCase()}`,
  }));
  const all = `${tools} tool${tools === 1 ? '' : 's'}`.padEnd(TOOLS);
  const plain = [all, ...parts.map(({ text }) => text)].join('   ');
  if (plain.length > width) return fit(plain, width);
  return [all, ...parts.map(({ id, text }) => paint(COLOURS[id], text))].join('   ');
}

/** Fills a cell to its width. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

/** Breaks a text at its blanks. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = '';
    }
    line = fit(line === '' ? word : `${line} ${word}`, width);
  }
  return [...lines, line];
}
