/** The lines that an undo ends with. */

import type { UndoneEntry } from '../../setup/init/undo.ts';
import type { FileUndo, UndoReport } from '../../setup/init/undo-run.ts';
import { type Colour, type Paint, shown } from '../paint.ts';

export interface UndoView {
  readonly report: UndoReport;
  /** Entries that no journal knows; `why` says why one stays. */
  readonly others: readonly { readonly name: string; readonly path: string; readonly why: string | undefined }[];
  readonly purged: readonly string[];
  readonly isDry: boolean;
}

/** Colours the lines of a unified diff. */
export function renderDiff(lines: readonly string[], paint: Paint): readonly string[] {
  return lines.map((line) => {
    if (/^(?:---|\+\+\+) /.test(line)) return paint('bold', line);
    const colour = ({ '+': 'green', '-': 'red', '@': 'cyan' } as const)[line[0] ?? ''];
    return colour === undefined ? line : paint(colour, line);
  });
}

const OUTCOMES: Readonly<Record<UndoneEntry['outcome'], readonly [Colour, string]>> = {
  restored: ['green', 'is as it was'],
  agreed: ['green', 'is unwrapped, with the edits that were made since'],
  nothing: ['dim', 'needed nothing'],
  changed: ['yellow', 'was edited by hand since, and stays: run it on a terminal to agree, or with --yes'],
  kept: ['red', 'stays as it is'],
};

/** All of it, in lines. */
export function renderUndo({ report, others, purged, isDry }: UndoView, paint: Paint): readonly string[] {
  const lines = [
    ...report.files.flatMap((file) => renderFile(file, paint)),
    ...report.left.map(({ path, refused }) => `${path} ${refused}`),
    ...others.map(
      ({ name, path, why }) => `${path}: ${paint(why === undefined ? 'green' : 'yellow', shown(name))} ${why ?? 'is unwrapped'}`,
    ),
    ...purged.map((path) => `removed ${path}`),
  ];
  if (lines.length === 0) return ['nothing to undo: no entry stands behind Intercept'];
  return isDry ? [...lines, 'nothing was written (--dry-run)'] : [...lines, ...restOf(purged)];
}

function restOf(purged: readonly string[]): readonly string[] {
  return purged.length > 0 ? [] : ['Policies stay where they are; "intercept init --undo --purge" removes them. Restart the clients.'];
}

function renderFile({ target, result: { entries } }: FileUndo, paint: Paint): readonly string[] {
  return [
    paint('bold', target.path),
    ...entries.map(({ entry, outcome, why }) => {
      const [colour, says] = OUTCOMES[outcome];
      return `  ${paint(colour, shown(entry.record.name))} ${says}${why === undefined ? '' : `: ${why}`}`;
    }),
  ];
}
