/** Rows of texts below each other, as wide as the terminal at most. Pure. */
import { type Paint, shown } from './paint.ts';

/** Rows of a list; whoever wants them all asks for --json, or the command that the last line names. */
const MOST = 8;
/** Columns that a cell takes at most, but for the last of its row. */
const CELL = 40;
/** Columns of a bar. */
export const BAR = 10;
/** A counter needs attention from this share of its limit on. */
export const NEAR = 0.8;
/** Columns of lines that go to no terminal. */
export const WIDE = 160;

/** A title above the first rows; nothing where there are none. */
export function titled(title: string, rows: readonly (readonly string[])[], width: number, more = ''): readonly string[] {
  return rows.length === 0 ? [] : [title, ...firstOf(table(rows, width), width, more)];
}

/** The first lines, and how many more there are; `more` says where. */
export function firstOf(lines: readonly string[], width: number, more = ''): readonly string[] {
  if (lines.length <= MOST) return lines;
  return [...lines.slice(0, MOST), shown(`  … ${lines.length - MOST} more${more && `: ${more}`}`, width)];
}

/** Rows whose cells stand below each other, indented; the last cell is cut where the line ends. */
export function table(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const safe = rows.map((row) => row.map((cell, column) => shown(cell, column === row.length - 1 ? width : CELL)));
  const widths: number[] = [];
  for (const row of safe)
    for (const [column, cell] of row.slice(0, -1).entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return safe.map((row) => {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
    return shown(`  ${cells.join('  ')}`, width).trimEnd();
  });
}

/** The share of a limit that is used, as a bar; blank where there is no limit. */
export function bar(used: number | undefined, paint: Paint): string {
  if (used === undefined) return ' '.repeat(BAR);
  const full = Math.min(BAR, Math.floor(used * BAR));
  return paint(used >= 1 ? 'red' : used >= NEAR ? 'yellow' : 'green', `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`);
}
