/** Writes a client's file (clients.md §6.3–6.6): lock, read again, plan, back up, announce, replace, note that it is done. */
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { reasonOf } from '../../core/fault.ts';
import { type ForeignFile, hashOf, isRefused, readForeign, refuseWriting, type Unusable } from './foreign.ts';
import type { JournalEntry, RunJournal, Target } from './journal.ts';
import { underLock } from './lock.ts';
import { replaceFile } from './replace.ts';
import { refuseWhileRunning } from './running.ts';

/** A file that others change meanwhile is read and planned anew so often. */
const ATTEMPTS = 5;

/** A file as it is to be, and what of it is ours. */
export interface FilePlan {
  readonly bytes: Uint8Array;
  readonly entries: readonly JournalEntry[];
}

/** Makes the new bytes out of those that are there now. Pure, and called again where that has changed. */
export type Planner = (file: ForeignFile) => FilePlan | Unusable;

export type WriteOutcome = { readonly kind: 'written' | 'same' } | ({ readonly kind: 'refused' } & Unusable);

/** Writes one file. Resolves with why not, where it is left as it was. */
export async function writeTarget(target: Target, plan: Planner, run: RunJournal): Promise<WriteOutcome> {
  try {
    const running = refuseWhileRunning(target.clients);
    if (running !== undefined) return { kind: 'refused', refused: running };
    const first = readForeign(target.path);
    if (isRefused(first)) return { kind: 'refused', ...first };
    return await underLock([target.path, first.real], target.lock, () => writeLocked(target, plan, run));
  } catch (error) {
    return { kind: 'refused', refused: `could not be written: ${reasonOf(error)}` };
  }
}

async function writeLocked(target: Target, plan: Planner, run: RunJournal): Promise<WriteOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const file = readForeign(target.path);
    if (isRefused(file)) return { kind: 'refused', ...file };
    const refused = refuseWriting(file, target.project);
    if (refused !== undefined) return { kind: 'refused', refused };
    const planned = plan(file);
    if (isRefused(planned)) return { kind: 'refused', ...planned };
    if (hashOf(planned.bytes) === file.hash) return { kind: 'same' };
    if (await replaceJournaled(target, file, planned, run)) return { kind: 'written' };
  }
  return { kind: 'refused', refused: 'changes all the time: close the programs that write it' };
}

/** Resolves with false where the file changed before it could be replaced. */
async function replaceJournaled(target: Target, file: ForeignFile, { bytes, entries }: FilePlan, run: RunJournal): Promise<boolean> {
  // SECURITY: not beside the file: clients read what stands in their folders, and copies hold secrets.
  const backup = run.backUp(file.bytes);
  const temporary = join(dirname(file.real), temporaryFor(file.real));
  const hashes = { hash_before: file.hash, hash_after: hashOf(bytes) };
  const n = run.intend({ ...target, real: file.real, ...hashes, backup, temporary: basename(temporary), entries });
  const isReplaced = await replaceFile(file, bytes, {
    temporary,
    beforeInPlace: () => run.add({ type: 'in_place', n, copy: run.backUp(bytes) }),
  });
  if (isReplaced) run.add({ type: 'done', n });
  return isReplaced;
}

/** A name that no client takes for a configuration. */
function temporaryFor(path: string): string {
  return `.${basename(path).slice(0, 100)}.intercept-${randomBytes(6).toString('hex')}`;
}
