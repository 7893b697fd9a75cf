/** Entries that stand behind Intercept though no journal says so (setup.md §3, Undo): what follows the first `--` comes back. */
import { join } from 'node:path';
import { planUnwrapUnrecorded } from '../clients/unwrap.ts';
import { targetOf } from './carry-out.ts';
import { isRefused, leadsInto } from './foreign.ts';
import { openJournal } from './journal.ts';
import { asOnlyRun } from './lock.ts';
import { openDiffMask, unifiedDiff } from './shown.ts';
import type { EntryPlace, Survey } from './survey.ts';
import { writeTarget } from './write.ts';

/** One such entry, and what would come of it. */
export interface UnrecordedEntry {
  readonly place: EntryPlace;
  readonly diff: readonly string[];
  /** It is as init writes entries: its policy is one of ours. */
  readonly isOurs: boolean;
}

/** Finds them. Bridges are none: nothing but a journal knows what they were. */
export function unrecordedEntries({ servers }: Survey, home: string, isMeant: (place: EntryPlace) => boolean): readonly UnrecordedEntry[] {
  return servers.flatMap(({ places }) =>
    places.flatMap((place) => {
      const { file, server, coverage } = place;
      if (coverage.kind === 'open' || !isMeant(place) || file.untouchable !== undefined || !file.bytes) return [];
      const way = planUnwrapUnrecorded({ bytes: file.bytes, format: file.format }, server);
      if (way.kind !== 'unwrap') return [];
      const mask = openDiffMask(file.format, file.bytes, way.bytes);
      const isOurs = coverage.wrapped.isNpx || (coverage.policy !== undefined && leadsInto(coverage.policy, join(home, 'policies')));
      return [{ place, diff: unifiedDiff(file.path, file.bytes, way.bytes, mask), isOurs }];
    }),
  );
}

/** Unwraps one. Resolves with why not; undefined where it is done. */
export async function unwrapEntry({ place: { file, server } }: UnrecordedEntry, setup: string, now: number): Promise<string | undefined> {
  return asOnlyRun(setup, async () => {
    const seen = file.bytes;
    const written = await writeTarget(
      targetOf(file),
      (present) => {
        const way = planUnwrapUnrecorded({ bytes: present.bytes, format: file.format }, server);
        if (way.kind !== 'unwrap') return { refused: way.why };
        const isSame = seen !== undefined && Buffer.compare(seen, present.bytes) === 0;
        return isSame ? { bytes: way.bytes, entries: [] } : { refused: 'was changed meanwhile: run it again' };
      },
      openJournal(setup, 'undo', now),
    );
    return isRefused(written) ? `${file.path} ${written.refused}` : undefined;
  });
}
