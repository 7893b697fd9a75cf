/** `init --undo --purge`: removes what init wrote into its home, and nothing that a person wrote (setup.md §3, Undo). */
import fs from 'node:fs';
import { join } from 'node:path';
import { type PastRun, readRuns, standingOf } from './journal.ts';
import { asOnlyRun } from './lock.ts';
import type { Survey } from './survey.ts';

/** Removes policies that init wrote and nothing needs, and the journal with its copies once all is taken back. Returns the paths. */
export async function purge(setup: string, survey: () => Promise<Survey>): Promise<readonly string[]> {
  if (!fs.existsSync(setup)) return [];
  const purged = await asOnlyRun(setup, async () => {
    const runs = readRuns(setup);
    const paths = purgePolicies(runs, namedIn(await survey()));
    if (standingOf(runs).length > 0) return { paths, isWhole: false };
    // The lock of this run stands there, too, and goes by itself.
    for (const name of fs.readdirSync(setup)) if (name !== 'running') fs.rmSync(join(setup, name), { recursive: true, force: true });
    return { paths, isWhole: true };
  });
  return purged.isWhole && isRemoved(setup) ? [...purged.paths, setup] : purged.paths;
}

function purgePolicies(runs: readonly PastRun[], named: readonly string[]): readonly string[] {
  const standing = standingOf(runs).flatMap(({ intent, open }) => open.flatMap((place) => intent.entries[place]?.policy ?? []));
  const needed = new Set([...standing, ...named].map(realOf));
  const written = runs.flatMap(({ lines }) => lines.flatMap((line) => (line.type === 'policy' && line.wrote === true ? [line.path] : [])));
  const paths = [...new Set(written)].filter((path) => fs.existsSync(path) && !needed.has(realOf(path)));
  for (const path of paths) fs.rmSync(path, { force: true });
  return paths;
}

/** The policies that entries of this machine name now, whoever wrote those. */
function namedIn({ servers }: Survey): readonly string[] {
  const coverages = servers.flatMap(({ places }) => places.map(({ coverage }) => coverage));
  return coverages.flatMap((coverage) => (coverage.kind === 'open' || coverage.policy === undefined ? [] : [coverage.policy]));
}

function realOf(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    return path;
  }
}

/** False where another run has begun meanwhile, whose folder it is now. */
function isRemoved(folder: string): boolean {
  try {
    fs.rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
