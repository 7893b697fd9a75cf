/** Lays out rows of the log for a terminal, or for a pipe. */
import type { SelectedLine } from '../audit/evidence/select.ts';
import { columnsOf, fill } from './approvals/marked.ts';
import type { LogRow } from './log-call.ts';
import { rowOf } from './log-rows.ts';
import { type Colour, createPaint, type Paint } from './paint.ts';
import { timeOf } from './spans.ts';
import type { Terminal } from './terminal.ts';

/** `allowed`, `replayed`. */
const WORD = 8;
/** A name that is longer moves what follows it. */
const NAMES = { least: 12, most: 28 };
const GAP = '  ';

type Segment = readonly [text: string, colour?: Colour];

/** Opens the rendering: on a terminal a line fits its width and has the time alone, below a line for each day; times are UTC. */
export function openLogLines(terminal: Terminal, why: boolean): (line: SelectedLine) => readonly string[] {
  const paint = createPaint(terminal.colour);
  let day = '';
  let names = NAMES.least;
  return (line) => {
    const row = rowOf(line);
    if (!row) return [];
    const columns = terminal.size()?.columns;
    const time = timeOf(line.at);
    const clock = columns === undefined ? time : time.slice('2026-01-01T'.length, -1);
    names = Math.max(names, Math.min(NAMES.most, columnsOf(row.name)));
    const lines = [
      fit(segmentsOf(row, clock, names), columns, paint),
      ...(why ? (row.why ?? []) : [])
        .flatMap((text) => explain(text, clock.length + GAP.length, columns))
        .map((text) => paint('dim', text)),
    ];
    if (columns === undefined || time.startsWith(day || '-')) return lines;
    day = time.slice(0, '2026-01-01'.length);
    return [paint('bold', `${day} (UTC)`), ...lines];
  };
}

function segmentsOf({ word, colour, name, details }: LogRow, clock: string, names: number): readonly Segment[] {
  const rest = details.filter((text) => text !== undefined);
  const label = rest.length === 0 ? name : name + ' '.repeat(Math.max(0, names - columnsOf(name)));
  return [[`${clock}${GAP}`, 'dim'], [word.padEnd(WORD), colour], [`${GAP}${label}`], ...rest.map((text): Segment => [`${GAP}${text}`])];
}

/** As much of the segments as the columns take, and a mark where there is more. */
function fit(segments: readonly Segment[], columns: number | undefined, paint: Paint): string {
  let width = columns ?? Number.POSITIVE_INFINITY;
  let line = '';
  for (const [i, [text, colour]] of segments.entries()) {
    const isLast = i === segments.length - 1;
    const shown = cut(text, width, isLast);
    line += colour ? paint(colour, shown) : shown;
    width -= columnsOf(shown);
    if (shown !== text) break;
  }
  return line;
}

/** The whole text where it fits, with a column left for a mark where something follows it. */
function cut(text: string, width: number, isLast: boolean): string {
  if (text.length <= width && columnsOf(text) <= (isLast ? width : width - 1)) return text;
  let kept = '';
  let columns = 0;
  for (const character of text) {
    columns += columnsOf(character);
    if (columns > width - 1) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

function explain(text: string, indent: number, columns: number | undefined): readonly string[] {
  const margin = ' '.repeat(indent);
  const width = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(20, columns - indent);
  return fill(text, width, width).map((part) => margin + part.trimEnd());
}
