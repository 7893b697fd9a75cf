/** Finds the policy for a server's command: only where the package is certain (setup.md §3). */
import { identifyPackage, type StartedPackage } from './package.ts';
import type { LibraryEntry } from './shape.ts';

export type LibraryMatch =
  | {
      readonly kind: 'found';
      readonly entry: LibraryEntry;
      readonly started: StartedPackage;
      /** The command starts the very version that the policy was made for. */
      readonly isSameVersion: boolean;
      /** With the same arguments, which may decide what tools there are. */
      readonly isSameStart: boolean;
    }
  | { readonly kind: 'none'; readonly why: string };

/** The entry whose package the command starts; of several, the one with the same arguments, else the first. */
export function matchCommand(
  entries: readonly LibraryEntry[],
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): LibraryMatch {
  const started = identifyPackage(command, env);
  if (started.kind === 'unknown') return { kind: 'none', why: started.why };
  const own = entries.flatMap((entry) => {
    const made = identifyPackage(entry.command);
    return made.kind === 'package' && isSamePackage(made, started) ? [{ entry, isSameStart: isSameArgs(made, started) }] : [];
  });
  const best = own.find(({ isSameStart }) => isSameStart) ?? own[0];
  if (!best) return { kind: 'none', why: `there is no policy for ${started.name}` };
  return { kind: 'found', ...best, started, isSameVersion: started.version === best.entry.version };
}

function isSamePackage(a: StartedPackage, b: StartedPackage): boolean {
  return a.registry === b.registry && a.name === b.name && a.program === b.program;
}

function isSameArgs(a: StartedPackage, b: StartedPackage): boolean {
  return a.args.length === b.args.length && a.args.every((word, index) => word === b.args[index]);
}
