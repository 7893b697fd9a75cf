/** Text for a terminal of 80 to 120 columns, and plain text where there is none. */
import { styleText } from 'node:util';
import type { Decision } from './calls.ts';

type Style = Parameters<typeof styleText>[0];

export interface Page {
  line(text?: string): void;
  heading(text: string): void;
  /** A paragraph, wrapped and indented. */
  paragraph(text: string, style?: Style): void;
  /** One row: each cell in its column, the last one wrapped within its own. */
  row(columns: readonly Column[]): void;
  width: number;
}

export interface Column {
  readonly text: string;
  readonly width?: number;
  readonly style?: Style | undefined;
}

const INDENT = '  ';
const DECISION_STYLES: Readonly<Record<Decision, Style>> = { ALLOW: 'green', DENY: ['bold', 'red'], AWAIT: ['bold', 'yellow'] };

/** Opens stdout. Colours only on a terminal, and never with NO_COLOR. */
export function openPage(): Page {
  const colours = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const width = Math.min(Math.max(process.stdout.columns || 100, 60), 120);
  const paint = (text: string, style: Style | undefined) => (colours && style ? styleText(style, text, { validateStream: false }) : text);
  const line = (text = '') => void process.stdout.write(`${text.trimEnd()}\n`);
  const paragraph = (text: string, style?: Style) => {
    for (const part of wrap(text, width - INDENT.length)) line(INDENT + paint(part, style));
  };
  const row = (columns: readonly Column[]) => {
    const fixed = columns.slice(0, -1);
    const last = columns.at(-1) as Column;
    const used = fixed.reduce((sum, column) => sum + (column.width ?? 0) + 1, INDENT.length);
    const cells = fixed.map(({ text, width = 0, style }) => paint(text.slice(0, width).padEnd(width), style)).join(' ');
    wrap(last.text, width - used).forEach((part, i) => {
      line(i === 0 ? `${INDENT}${cells} ${paint(part, last.style)}` : `${' '.repeat(used)}${paint(part, last.style)}`);
    });
  };
  return { line, heading: (text) => line(`\n${paint(text, 'bold')}`), paragraph, row, width };
}

/** The style of a decision. */
export function styleOf(decision: Decision): Style {
  return DECISION_STYLES[decision];
}

/** Breaks text at spaces; at least one line, and a word longer than a line stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
