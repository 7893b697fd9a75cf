/** Lays out the tools of one server on the terminal: a line for each, its columns, and what its rule will be. Pure. */
import { policyBlocks } from '../../console/setup/blocks.ts';
import { COLUMN_WORDS, RISK_WORDS } from '../../console/setup/words.ts';
import type { PolicyPreview } from '../../setup/choose/chooser.ts';
import { type Choosing, type ChosenServer, columnOf, toolsOf } from '../../setup/choose/model.ts';
import { evidenceOf, type ToolToChoose } from '../../setup/choose/servers.ts';
import type { Column } from '../../setup/draft/draft.ts';
import { columnsOf } from '../approvals/marked.ts';
import { fit } from '../approvals/table.ts';
import { type Paint, shown } from '../paint.ts';
import { type ChoiceCursor, rowsOf, type ToolRow } from './cursor.ts';
import { type ChoiceView, COLOURS, countsOf, pad, windowOf, wrap } from './lines.ts';

/** From here on the policy stands beside the tools. */
const WIDE = 130;
const TOOLS = 84;
/** Lines about the tool at the cursor. */
const DETAIL = 7;

const WIDTHS: readonly number[] = [8, 11, 11, 7, 6];
const ALL = WIDTHS.reduce((sum, width) => sum + width, 0);
const HEADS = [
  ['', '2 Rate', '3 Require', '', ''],
  ['1 Allow', '  limit', '  approval', '4 Deny', '5 Hide'],
];

/** The screen of the tools. */
export function layTools(choosing: Choosing, cursor: ChoiceCursor, view: ChoiceView): readonly string[] {
  const { size, paint, preview } = view;
  const one = choosing.servers[cursor.server];
  if (!one) return [];
  const isWide = size.columns >= WIDE;
  const width = isWide ? TOOLS : size.columns - 1;
  const rows = rowsOf(choosing, cursor);
  const at = Math.min(cursor.row, Math.max(rows.length - 1, 0));
  const head = headOf(one, cursor, width, paint);
  const detail = detailOf(one, rows[at], width, { view, isWide });
  const height = Math.max(3, size.rows - 1 - head.length - detail.length);
  const { from, items } = windowOf(rows, at, height);
  const lines = items.map((row, index) => rowLine(one, row, from + index === at, width, paint));
  const none = rows.length === 0 ? [paint('dim', fit('  no tool is found', width))] : [];
  const left = [...head, ...lines, ...none, ...Array<string>(Math.max(height - lines.length - none.length, 0)).fill(''), ...detail];
  if (!isWide) return left;
  return beside(left, policyLines(preview, size.columns - TOOLS - 4, paint, nameAt(one, rows[at])), width, size.rows - 1);
}

function headOf(one: ChosenServer, { search, isTyping }: ChoiceCursor, width: number, paint: Paint): readonly string[] {
  const changed = one.columns.size > 0 ? `   ${one.columns.size} changed` : '';
  const name = fit(shown(one.server.name), Math.floor(width / 2));
  const find = isTyping || search !== '' ? `   search: ${shown(search)}${isTyping ? '_' : ''}` : '';
  const margin = ' '.repeat(Math.max(0, width - ALL));
  const heads = HEADS.map((cells) => margin + cells.map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0)).join(''));
  return [
    paint('bold', name) + paint('dim', `${changed}${find}`),
    countsOf(one, width, paint),
    ...heads.map((line) => paint('dim', line.trimEnd())),
  ];
}

function rowLine(one: ChosenServer, row: ToolRow, isHere: boolean, width: number, paint: Paint): string {
  const names = width - ALL - 3;
  const mark = isHere ? '› ' : '  ';
  if (row.kind === 'class') {
    const says = RISK_WORDS.find(({ id }) => id === row.risk)?.says ?? '';
    const hint = isHere ? 'all of them' : '';
    return `${mark}${paint('bold', row.risk)} ${row.tools.length}  ${paint('dim', fit(hint || says, width - row.risk.length - 8))}`;
  }
  const tool = toolsOf(one.server)[row.tool];
  if (!tool) return '';
  const column = columnOf(one, tool);
  const changed = column === tool.suggested ? ' ' : '*';
  const name = pad(fit(shown(tool.name), names - 2), names - 2);
  return `${mark}${changed} ${isHere ? paint('bold', name) : name} ${cellsOf(tool, column, isHere, paint)}`;
}

/** The chosen column by its word, the others as dashes. */
function cellsOf(tool: ToolToChoose, chosen: Column, isHere: boolean, paint: Paint): string {
  return COLUMN_WORDS.map(({ id }, index) => {
    const width = WIDTHS[index] ?? 0;
    if (id !== chosen) return paint('dim', (isHere ? ' o' : ' -').padEnd(width));
    const word = id === 'limit' ? tool.limit : id === 'approve' ? 'approval' : id;
    return paint(COLOURS[id], word.slice(0, width - 1).padEnd(width));
  }).join('');
}

function nameAt(one: ChosenServer, row: ToolRow | undefined): string | undefined {
  return row?.kind === 'tool' ? toolsOf(one.server)[row.tool]?.name : undefined;
}

interface DetailView {
  readonly view: ChoiceView;
  readonly isWide: boolean;
}

function detailOf(one: ChosenServer, row: ToolRow | undefined, width: number, { view, isWide }: DetailView): readonly string[] {
  const { paint, preview } = view;
  const rule = paint('dim', '─'.repeat(width));
  const lines = row?.kind === 'tool' ? aboutTool(toolsOf(one.server)[row.tool], width, paint) : row ? aboutClass(row, width) : [];
  const policy = isWide || row?.kind !== 'tool' ? [] : blockLines(preview, nameAt(one, row), width, paint).slice(0, DETAIL - lines.length);
  const text = [...lines, ...policy];
  return [rule, ...text, ...Array<string>(Math.max(DETAIL - text.length, 0)).fill('')];
}

function aboutClass({ risk, tools }: Extract<ToolRow, { kind: 'class' }>, width: number): readonly string[] {
  const says = RISK_WORDS.find(({ id }) => id === risk)?.says ?? '';
  return [fit(says, width), fit(`1-5 chooses for all ${tools.length} of them, s goes back to what is suggested.`, width)];
}

function aboutTool(tool: ToolToChoose | undefined, width: number, paint: Paint): readonly string[] {
  if (!tool) return [];
  const { name, description = '', risk, says, suggested } = tool;
  const why = evidenceOf(risk);
  const marks = [...(risk.sensitive ? ['sensitive'] : []), ...(risk.unsure ? ['unsure'] : [])].join(', ');
  const label = COLUMN_WORDS.find(({ id }) => id === suggested)?.label.toLowerCase() ?? suggested;
  const class_ = `${risk.risk}${why === '' ? '' : `, seen in ${shown(why)}`}${marks === '' ? '' : ` (${marks})`}; suggested: ${label}${says === undefined ? '' : `, ${shown(says)}`}`;
  const text = wrap(shown(description.trim().replace(/\s+/g, ' '), 400), width).slice(0, 2);
  return [paint('bold', fit(shown(name), width)), ...(text[0] === '' ? [] : text), paint('dim', fit(class_, width))];
}

/** The lines of one tool in the policy. */
function blockLines(preview: PolicyPreview | undefined, name: string | undefined, width: number, paint: Paint): readonly string[] {
  if (!preview || name === undefined) return [];
  const lines = preview.text.split('\n');
  const block = policyBlocks(lines).get(name);
  if (!block) return [];
  // Its name stands above already, and `rules:` says nothing.
  const own = lines.slice(block.from, block.to);
  const rules = own.length > 2 ? own.slice(2).map((line) => line.slice(4)) : own;
  return rules.map((line) => paint('cyan', fit(shown(line, 400), width)));
}

/** Renders the diagnostics and the whole policy; with a name, from the lines of that tool on. */
export function policyLines(preview: PolicyPreview | undefined, width: number, paint: Paint, name?: string): readonly string[] {
  if (!preview) return [paint('dim', 'drafting …')];
  const { text, diagnostics, leftOut } = preview;
  const said = diagnostics.map(({ severity, message, position }) =>
    paint(severity === 'error' ? 'red' : 'yellow', fit(`line ${position.line}: ${severity}: ${shown(message)}`, width)),
  );
  const left = leftOut.map(({ name: tool, why }) => paint('yellow', fit(`left out: ${shown(tool)}: ${shown(why)}`, width)));
  const verdict = said.length + left.length === 0 ? [paint('green', 'valid')] : [...said, ...left];
  const lines = text.split('\n');
  const block = name === undefined ? undefined : policyBlocks(lines).get(name);
  const from = block ? Math.max(0, block.from - 4) : 0;
  const drawn = lines.slice(from).map((line, index) => {
    const isHere = block !== undefined && from + index >= block.from && from + index < block.to;
    const cut = fit(shown(line, 400), width);
    return isHere ? paint('cyan', cut) : cut.trimStart().startsWith('#') ? paint('dim', cut) : cut;
  });
  return [...verdict, '', ...drawn];
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

/** Two columns of lines. */
function beside(left: readonly string[], right: readonly string[], width: number, rows: number): readonly string[] {
  return Array.from({ length: rows }, (_, row) => {
    const line = left[row] ?? '';
    return `${line}${' '.repeat(Math.max(0, width - columnsOf(line.replace(COLOUR, ''))))} │ ${right[row] ?? ''}`;
  });
}
