/** `scan --update`: what is new, gone and changed in a server, and what becomes of it in the policy (setup.md §2). */
import { foldersOf } from '../../authoring/policy-file.ts';
import { CommandError, EXIT } from '../../core/fault.ts';
import { loadPolicyText } from '../../policy/load.ts';
import type { Column } from '../../setup/draft/model.ts';
import { type PolicyUpdate, updatePolicy } from '../../setup/draft/update.ts';
import { readWhole, writePolicy } from '../../setup/policy-file.ts';
import { renderDiagnostics } from '../diagnostics.ts';
import { type Colour, createPaint, type Paint, shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import { today } from './draft.ts';
import type { ScanFlags, Scanned } from './flags.ts';
import { scanJson } from './json.ts';

const MOST_NAME = 1_024;
const MOST_PARAMETER = 120;

const BECAME: Readonly<Record<Column, string>> = {
  allow: 'allowed',
  limit: 'limited',
  approve: 'waits for approval',
  deny: 'denied, until you give it rules',
  hide: 'denied, until you open it: it stands there as a comment',
};

/** The policy that is to be updated. Throws where it is none; its diagnostics are printed. */
export async function loadEdited(file: string, terminal: Terminal): Promise<string> {
  const text = readWhole(file);
  const { policy, diagnostics } = await loadPolicyText(text, foldersOf(file));
  if (policy) return text;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  for (const line of renderDiagnostics({ file, text, diagnostics: errors }, createPaint(terminal.colour))) terminal.err(line);
  throw new CommandError(
    `${file} is no valid policy, and was left as it is`,
    EXIT.invalidPolicy,
    `mend it first: "intercept validate ${file}" says what is wrong`,
  );
}

/** Merges a scan into the policy, and says what that changed. */
export async function mergeInto(file: string, before: string, scanned: Scanned, flags: ScanFlags, terminal: Terminal): Promise<number> {
  const { server, risks } = scanned;
  const update = updatePolicy(before, server, risks, { preset: flags.preset, date: today() });
  await refuseBroken(file, update);
  const isWritten = update.text !== before && !flags.check;
  if (isWritten) writePolicy(file, update.text, true);
  const written = isWritten ? file : undefined;
  if (flags.json) terminal.out(JSON.stringify(scanJson({ server, risks, leftOut: update.leftOut, written, update }), null, 2));
  else for (const line of renderUpdate(file, update, isWritten, createPaint(terminal.colour))) terminal.out(line);
  const { added, gone, changed } = update;
  return added.length + gone.length + changed.length > 0 ? EXIT.changed : EXIT.done;
}

/** A merge that makes an invalid policy of a valid one is not written. */
async function refuseBroken(file: string, { text }: PolicyUpdate): Promise<void> {
  const { policy, diagnostics } = await loadPolicyText(text, foldersOf(file));
  if (policy) return;
  const first = diagnostics.find(({ severity }) => severity === 'error');
  throw new CommandError(
    `${file} would be no valid policy (${first?.message}), and was left as it is`,
    EXIT.failed,
    'write a new one beside it with "-o", and compare',
  );
}

/** A line for each, and one that sums them up. */
function renderUpdate(file: string, update: PolicyUpdate, isWritten: boolean, paint: Paint): readonly string[] {
  const { added, gone, changed, unknown } = update;
  const line = (colour: Colour, word: string, name: string, note: string) =>
    `${paint(colour, word.padEnd('not known'.length))}  ${shown(name, MOST_NAME)}${note && `  ${paint('dim', note)}`}`;
  return [
    ...added.map(({ name, column }) => line('yellow', 'new', name, BECAME[column])),
    ...gone.map((name) => line('red', 'gone', name, 'still in the policy')),
    ...changed.map(({ name, parameters }) =>
      line('cyan', 'changed', name, parameters.map((each) => shown(each, MOST_PARAMETER)).join('; ')),
    ),
    ...unknown.map((name) => line('dim', 'not known', name, 'no comment of the policy says what it took')),
    `${shown(file, 500)}: ${sum(update)}${isWritten ? '; written' : ''}`,
  ];
}

function sum({ added, gone, changed }: PolicyUpdate): string {
  const parts = [
    added.length > 0 && `${added.length} new`,
    gone.length > 0 && `${gone.length} gone`,
    changed.length > 0 && `${changed.length} changed`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? 'nothing changed' : parts.join(', ');
}
