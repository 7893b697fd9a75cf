/** Where a policy comes from: a file, or the library that travels with the program, as `library:stripe` (setup.md §4). */
import { resolve } from 'node:path';
import { type PolicyText, readPolicyFile } from '../authoring/policy-file.ts';
import { CommandError, EXIT } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';

/** A file of such a name is written `./library:…`. */
const PREFIX = 'library:';

/** The id of the library policy that is named; undefined where a file is. */
export function libraryIdOf(config: string): string | undefined {
  return config.startsWith(PREFIX) ? config.slice(PREFIX.length) : undefined;
}

/** The name under which a policy is known elsewhere: the file's whole path, or the library's id as it is. */
export function wholeName(config: string): string {
  return libraryIdOf(config) === undefined ? resolve(config) : config;
}

/** Reads a policy whole, from wherever it is. */
export async function lookUpPolicy(config: string): Promise<PolicyText> {
  const id = libraryIdOf(config);
  return id === undefined ? readPolicyFile(config) : readFromLibrary(id);
}

/** The same for a command that needs it. Throws `CommandError`. */
export async function readNamedPolicy(config: string): Promise<string> {
  const read = await lookUpPolicy(config);
  if (read.kind === 'unreadable') throw new CommandError(`${config}: ${read.why}`, EXIT.invalidPolicy, read.help);
  return read.text;
}

async function readFromLibrary(id: string): Promise<PolicyText> {
  try {
    const library = await openOwnLibrary();
    const entry = library.find(id);
    if (entry) return { kind: 'text', text: library.policyOf(entry, 'suggested') };
    const ids = library.entries.map((each) => each.id);
    return missing('is no policy of the library', didYouMean(id, ids) ?? 'see "intercept policies list"');
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return missing(`cannot be read: ${error.message}`, error.help);
  }
}

function missing(why: string, help: string | undefined): PolicyText {
  return { kind: 'unreadable', why, help, missing: true };
}

/** The library is large: a proxy whose policy is a file never loads it. */
async function openOwnLibrary() {
  return (await import('../setup/library/library.ts')).openLibrary();
}

export interface LibraryNote {
  readonly level: 'info' | 'warn';
  readonly text: string;
}

/** Says which version of a server the policy was made for, and where the command starts another. */
export async function notesOnLibrary(config: string, command: readonly string[]): Promise<readonly LibraryNote[]> {
  const id = libraryIdOf(config);
  const entry = id === undefined ? undefined : (await openOwnLibrary()).find(id);
  if (!entry) return [];
  const { packageOf } = await import('../setup/library/make.ts');
  const { matchCommand } = await import('../setup/library/match.ts');
  const made = packageOf(entry);
  const notes: LibraryNote[] = [
    {
      level: 'info',
      text: `${config} was made for ${made} on ${entry.scanned}; "intercept policies add ${id}" writes it to a file, to be edited`,
    },
  ];
  const match = command.length === 0 ? undefined : matchCommand([entry], command);
  if (match?.kind === 'none')
    notes.push({ level: 'warn', text: `nobody knows whether the command starts ${made}: tools of other servers are denied` });
  else if (match && !match.isSameVersion)
    notes.push({
      level: 'warn',
      text: `the command may start another version than ${entry.version}: tools that it did not have are denied`,
    });
  return notes;
}
