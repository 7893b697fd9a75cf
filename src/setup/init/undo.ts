/** Takes back what earlier runs wrote into a client's file, entry by entry, the newest first (setup.md §3, Undo). */
import type { Unwrap } from '../clients/types.ts';
import { planUnwrap } from '../clients/unwrap.ts';
import { hashOf } from './foreign.ts';
import { type EntryKey, type JournalEntry, readBackup, type StandingWrap } from './journal.ts';

/** An entry that is, or is not, as it was before init. */
export interface UndoneEntry {
  readonly key: EntryKey;
  readonly entry: JournalEntry;
  /**
   * nothing: it is as it was, or gone. changed: somebody changed it since, and has to agree first. agreed: they did.
   * kept: no way leads back.
   */
  readonly outcome: 'restored' | 'nothing' | 'changed' | 'agreed' | 'kept';
  readonly why?: string | undefined;
  /** For `changed`: the file before and after this entry alone is unwrapped, and the name of exactly that. */
  readonly asked?: { readonly before: Uint8Array; readonly after: Uint8Array; readonly signature: string } | undefined;
}

export interface UndoneFile {
  readonly bytes: Uint8Array;
  readonly entries: readonly UndoneEntry[];
}

export interface UndoWays {
  /** True where the entry is one of those that were asked for. */
  isMeant(entry: JournalEntry, standing: StandingWrap): boolean;
  /** True where the person agrees to exactly this: the texts that go, and those that come. */
  isAgreed(key: EntryKey, signature: string): boolean;
}

/** Undoes in one file what still stands of all runs. Throws where a backup that is needed is gone. */
export function undoFile(bytes: Uint8Array, standings: readonly StandingWrap[], ways: UndoWays): UndoneFile {
  let present = bytes;
  const entries: UndoneEntry[] = [];
  for (const standing of standings) {
    const step = undoStanding(present, standing, ways);
    present = step.bytes;
    entries.push(...step.entries);
  }
  return { bytes: present, entries };
}

function undoStanding(bytes: Uint8Array, standing: StandingWrap, ways: UndoWays): UndoneFile {
  const { run, intent, open } = standing;
  const backup = () => readBackup(run, intent.backup);
  let present = isTorn(bytes, standing) ? backup() : bytes;
  const meant = open.filter((place) => ways.isMeant(entryAt(standing, place), standing));
  const isWhole = meant.length === intent.entries.length && !intent.entries.some(({ renews }) => renews);
  if (isWhole && hashOf(present) === intent.hash_after)
    return { bytes: backup(), entries: meant.map((place) => undone(standing, place, { outcome: 'restored' })) };
  const entries: UndoneEntry[] = [];
  // Each record is about the bytes that the one before it left.
  for (const place of meant.toReversed()) {
    const step = undoEntry(present, standing, place, ways);
    present = step.bytes;
    entries.push(step.entry);
  }
  return { bytes: present, entries };
}

/** True where a crash left the beginning of what the file was being written over with. */
function isTorn(bytes: Uint8Array, { run, torn }: StandingWrap): boolean {
  if (torn === undefined) return false;
  const whole = readBackup(run, torn);
  return bytes.length < whole.length && Buffer.compare(whole.subarray(0, bytes.length), bytes) === 0;
}

function undoEntry(bytes: Uint8Array, standing: StandingWrap, place: number, ways: UndoWays): { bytes: Uint8Array; entry: UndoneEntry } {
  const { record } = entryAt(standing, place);
  const way = planUnwrap({ bytes, format: standing.intent.format }, record);
  const stays = (rest: Pick<UndoneEntry, 'outcome' | 'why' | 'asked'>) => ({ bytes, entry: undone(standing, place, rest) });
  if (way.kind === 'nothing') return stays({ outcome: 'nothing', why: way.why });
  if (way.kind === 'refused') return stays({ outcome: 'kept', why: way.why });
  if (way.certainty === 'exact') return { bytes: way.bytes, entry: undone(standing, place, { outcome: 'restored' }) };
  const signature = signatureOf(way);
  const entry = undone(standing, place, { outcome: 'changed', asked: { before: bytes, after: way.bytes, signature } });
  if (!ways.isAgreed(entry.key, signature)) return { bytes, entry };
  return { bytes: way.bytes, entry: { ...entry, outcome: 'agreed' } };
}

/** Names what an unwrapping writes: who agreed to it agreed to nothing else. */
function signatureOf({ splices }: Pick<Unwrap, 'splices'>): string {
  return JSON.stringify(splices.map(({ start, end, text }) => [end - start, text]));
}

function entryAt({ intent }: StandingWrap, place: number): JournalEntry {
  return intent.entries[place] as JournalEntry;
}

function undone(standing: StandingWrap, place: number, rest: Pick<UndoneEntry, 'outcome' | 'why' | 'asked'>): UndoneEntry {
  const { run, intent } = standing;
  return { key: { run: run.id, n: intent.n, entry: place }, entry: entryAt(standing, place), ...rest };
}
