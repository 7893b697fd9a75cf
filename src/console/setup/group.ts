/** The tools of one class, each with its columns, and the columns for all of them at once. */
import { h, heard, pieces } from '../elements.ts';
import type { ToolLine } from './api.ts';
import { button, countOf, plain } from './setup.ts';
import { COLUMN_WORDS, type RISK_WORDS } from './words.ts';

type Column = ToolLine['suggested'];
type Risk = (typeof RISK_WORDS)[number];

/** More tools of a class are shown on request: thousands would make each key wait. */
const AT_FIRST = 60;
const AT_ONCE = 200;

/** The rows need these. */
export interface ToolRows {
  columnOf(tool: number): Column;
  set(chosen: { readonly tools: readonly number[] } | { readonly risk: Risk['id'] }, column: Column | 'suggested'): Promise<void>;
  announce(text: string): void;
  pointAt(name: string): void;
}

export interface GroupView {
  readonly node: HTMLElement;
  /** Shows the columns as they are chosen now. */
  update(): void;
}

interface ToolNode {
  readonly node: HTMLElement;
  update(): void;
}

/** Shows the tools of a class. `isAll`: none of the class is left out by a search. */
export function openGroup(
  rows: ToolRows,
  { id: risk, label, says }: Risk,
  places: readonly number[],
  tools: readonly ToolLine[],
  isAll: boolean,
): GroupView {
  const list = h('ul', { class: 'rows' });
  const shown: ToolNode[] = [];
  const more = button({ class: 'quiet more' }, '', () => show(AT_ONCE));
  const show = (count: number) => {
    const next = places.slice(shown.length, shown.length + count).flatMap((place) => {
      const tool = tools[place];
      return tool ? [openRow(rows, tool, place)] : [];
    });
    shown.push(...next);
    list.append(...next.map(({ node }) => node));
    const rest = places.length - shown.length;
    more.hidden = rest === 0;
    more.textContent = `Show ${Math.min(rest, AT_ONCE)} of ${countOf(rest, 'more tool')}`;
  };
  show(AT_FIRST);
  const id = `class-${risk}`;
  return {
    node: h(
      'section',
      { class: `group ${risk}`, 'aria-labelledby': id },
      h(
        'div',
        { class: 'group-head' },
        h(
          'div',
          { class: 'about' },
          h('h3', { id }, label, ' ', h('span', { class: 'count' }, `${places.length}`)),
          h('p', { class: 'soft' }, says),
        ),
        bulk(rows, risk, places, isAll),
      ),
      list,
      more,
    ),
    update() {
      for (const row of shown) row.update();
    },
  };
}

/** One column for all tools of the class that are found. */
function bulk(rows: ToolRows, risk: Risk['id'], places: readonly number[], isAll: boolean): HTMLElement {
  const whose = places.length === 1 ? `the ${risk} tool` : `all ${places.length} ${risk} tools`;
  return h(
    'div',
    { class: 'cells bulk', role: 'group', 'aria-label': `For ${whose}` },
    COLUMN_WORDS.map(({ id, label }) =>
      button(
        { class: 'all', 'aria-label': `${label}: ${whose}`, title: `${label}: ${whose}` },
        [h('span', { class: 'which' }, `${shortest(id, label)} `), 'all'],
        async () => {
          await rows.set(isAll ? { risk } : { tools: places }, id);
          rows.announce(`${label}: ${whose}.`);
        },
      ),
    ),
  );
}

/** The words on the chosen mark, where the column's own name is too long for it. */
function shortLabel(column: Column, label: string, { limit }: ToolLine): string {
  return column === 'limit' ? limit.replace('minute', 'min') : shortest(column, label);
}

function shortest(column: Column, label: string): string {
  return column === 'approve' ? 'Approval' : label;
}

function openRow(rows: ToolRows, tool: ToolLine, place: number): ToolNode {
  const inputs = COLUMN_WORDS.map(({ id, label, says }) => {
    const input = h('input', { type: 'radio', name: `tool-${place}`, value: id });
    const mark = h('span', { class: 'mark', 'aria-hidden': 'true' }, h('span', { class: 'word' }, shortLabel(id, label, tool)));
    const isSuggested = id === tool.suggested;
    const node = h(
      'label',
      { class: `cell ${id}${isSuggested ? ' suggested' : ''}`, title: isSuggested ? `${label}: suggested` : `${label}: ${says}` },
      input,
      mark,
      heard(label),
    );
    return { input, node };
  });
  const back = button({ class: 'back' }, 'suggested', () => choose('suggested'));
  back.setAttribute('aria-label', `Back to what is suggested for ${plain(tool.name)}`);
  const cells = h(
    'div',
    { class: 'cells', role: 'radiogroup', 'aria-labelledby': `tool-${place}`, 'aria-describedby': `why-${place}` },
    inputs.map(({ node }) => node),
  );
  const node = h('li', { class: 'row' }, aboutTool(tool, place, back), cells);
  const update = () => {
    const column = rows.columnOf(place);
    for (const { input } of inputs) input.checked = input.value === column;
    back.hidden = column === tool.suggested;
    node.classList.toggle('changed', column !== tool.suggested);
  };
  const choose = (column: Column | 'suggested') => {
    back.hidden = column === tool.suggested || column === 'suggested';
    void rows.set({ tools: [place] }, column);
  };
  node.addEventListener('focusin', () => rows.pointAt(plain(tool.name)));
  node.addEventListener('click', () => rows.pointAt(plain(tool.name)));
  cells.addEventListener('change', (event) => {
    if (event.target instanceof HTMLInputElement) choose(event.target.value as Column);
  });
  cells.addEventListener('keydown', (event) =>
    onKey(
      event,
      node,
      inputs.map(({ input }) => input),
    ),
  );
  update();
  return { node, update };
}

/** Up and down go from tool to tool; a digit takes the column of that place. */
function onKey(event: KeyboardEvent, row: HTMLElement, inputs: readonly HTMLInputElement[]): void {
  const digit = inputs[Number(event.key) - 1];
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    const all = [...document.querySelectorAll<HTMLElement>('.row')];
    const next = all[all.indexOf(row) + (event.key === 'ArrowDown' ? 1 : -1)];
    next?.querySelector<HTMLInputElement>('input:checked')?.focus();
  } else if (digit && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    digit.focus();
    digit.click();
  }
}

/** Its name, what it says of itself, and why it has its class. */
function aboutTool({ name, description, evidence, sensitive, unsure, says }: ToolLine, place: number, back: HTMLElement): HTMLElement {
  return h(
    'div',
    { class: 'about' },
    h(
      'p',
      { class: 'name' },
      h('span', { id: `tool-${place}` }, name.length > 0 ? pieces(name) : '(without a name)'),
      sensitive ? h('span', { class: 'badge', title: 'It returns secrets, or takes them' }, 'sensitive') : null,
      unsure ? h('span', { class: 'badge', title: 'Nothing says for sure what it does' }, 'unsure') : null,
      back,
    ),
    description.length > 0 ? h('p', { class: 'what' }, pieces(description, 'one line')) : null,
    h(
      'p',
      { class: 'why soft', id: `why-${place}` },
      says.length > 0 ? [h('span', { class: 'says' }, pieces(says, 'one line')), ' '] : null,
      evidence.length > 0 ? ['seen in ', pieces(evidence, 'one line')] : null,
    ),
  );
}
