/** The policy library as init asks it (setup.md §3.3): opened when it is needed, and left out where a program came without it. */
import { CommandError } from '../../core/fault.ts';
import type { Preset } from '../draft/model.ts';
import type { PolicyLibrary } from '../library/shape.ts';
import type { Candidate } from './candidates.ts';
import type { LibraryDoor, LibraryPolicy } from './drafts.ts';

const MOST_NAMES = 5;

/** Opens it; undefined where there is none. */
export async function openLibraryDoor(preset: Preset): Promise<LibraryDoor | undefined> {
  try {
    const [{ openLibrary }, { matchCommand }, { draftFromLibrary, renamePolicy }] = await Promise.all([
      import('../library/library.ts'),
      import('../library/match.ts'),
      import('../library/adapt.ts'),
    ]);
    const library = openLibrary();
    const find = ({ server: { start } }: Candidate): LibraryPolicy | undefined => {
      if (start?.kind !== 'local') return undefined;
      const found = matchCommand(library.entries, [start.command, ...start.args], Object.fromEntries(start.env));
      if (found.kind === 'none') return undefined;
      const { entry } = found;
      const level = preset === 'read-only' ? 'read-only' : 'suggested';
      return {
        id: entry.id,
        text: (name) => renamePolicy(library.policyOf(entry, level), name),
        draft({ scanned, risks }, options) {
          const drafted = draftFromLibrary(library, entry, scanned, risks, options);
          return { ...drafted, notes: notesOf(entry.id, drafted) };
        },
      };
    };
    return { find };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

type Compared = Pick<
  ReturnType<typeof import('../library/adapt.ts').draftFromLibrary>,
  'taken' | 'onlyInLibrary' | 'onlyOnServer' | 'changed'
>;

/** The differences between the library and the server, for people. */
function notesOf(id: PolicyLibrary['entries'][number]['id'], { taken, onlyInLibrary, onlyOnServer, changed }: Compared): readonly string[] {
  return [
    `rules of ${taken.length} tools are from the library's "${id}"`,
    ...(onlyOnServer.length === 0 ? [] : [`not in the library: ${some(onlyOnServer)}`]),
    ...(onlyInLibrary.length === 0 ? [] : [`in the library, and not on the server: ${some(onlyInLibrary)}`]),
    ...(changed.length === 0 ? [] : [`not as the library has them: ${some(changed)}`]),
  ];
}

function some(names: readonly string[]): string {
  const first = names.slice(0, MOST_NAMES).map((name) => JSON.stringify(name.slice(0, 60)));
  return [...first, ...(names.length > MOST_NAMES ? [`${names.length - MOST_NAMES} more`] : [])].join(', ');
}
