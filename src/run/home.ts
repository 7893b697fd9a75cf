/** Where Intercept keeps its own files, and which paths an agent must not reach (policy.md §5.1, cli.md §2). */
import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { joinParts } from '../core/counter.ts';
import { type OwnPaths, prepareOwnPaths } from '../core/own-path.ts';
import { normalise } from '../core/within.ts';

/** `INTERCEPT_HOME`, else `~/.intercept`. */
export function interceptHome(env: Readonly<Record<string, string | undefined>>): string {
  return resolve(env['INTERCEPT_HOME'] || join(homedir(), '.intercept'));
}

/** The folders and files that are Intercept's own: as they are written, and where links lead. */
export function ownPaths(paths: readonly string[]): OwnPaths {
  const all = paths.flatMap((path) => [resolve(path), realPath(path)]).map((path) => normalise(path.replaceAll('\\', '/')));
  return prepareOwnPaths(all, workingFolder());
}

/** Where the wrapped server starts, and reads relative paths from: where we were started. Undefined where that folder is gone. */
function workingFolder(): string | undefined {
  try {
    return normalise(process.cwd().replaceAll('\\', '/'));
  } catch {
    return undefined;
  }
}

/**
 * Names whose counters these are (policy.md §7): the prefix and the policy's name, or without a name the file itself, by
 * its real folder, so that two spellings of one path are one namespace.
 */
export function namespaceOf(prefix: string | undefined, name: string | undefined, file: string): string {
  const folder = realPath(dirname(resolve(file)));
  const own = name === undefined ? ['file', join(folder, basename(file))] : ['name', name];
  return joinParts([prefix ?? '', ...own]);
}

/** The path without links, or as it is where it leads nowhere. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

const PROJECT = /^\.intercept[\\/]/;

/** A project's own policy is looked for from where we start up to the root of the repository (setup.md §3.6); any other is as it is named. */
export function projectPolicy(config: string, start: string): string {
  if (!PROJECT.test(config)) return config;
  const folders: string[] = [];
  for (let folder = start; ; folder = dirname(folder)) {
    folders.push(folder);
    if (existsSync(join(folder, '.git'))) break;
    // Without a repository there is no project to look in.
    if (dirname(folder) === folder) return config;
  }
  return folders.map((folder) => join(folder, config)).find((path) => existsSync(path)) ?? config;
}
