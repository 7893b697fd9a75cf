/** Hints at changes of a file, from the folders that it and its links stand in (cli.md §1). They may be missed, or be about something else. */
import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface FolderHints {
  /** Follows folders that are other ones by now. */
  renew(): void;
  stop(): void;
}

/** Two at most: where the file stands by its name, and where what it links to stands. */
export function watchFolders(path: string, hint: () => void): FolderHints {
  const watched = new Map<string, FSWatcher>();
  return {
    renew() {
      const wanted = new Map(foldersOf(path).map((folder) => [identityOf(folder), folder]));
      wanted.delete(undefined);
      for (const [identity, watcher] of watched) {
        if (wanted.has(identity)) continue;
        watcher.close();
        watched.delete(identity);
      }
      for (const [identity, folder] of wanted) {
        if (identity === undefined || watched.has(identity)) continue;
        const watcher = open(folder, hint, () => watched.delete(identity));
        if (watcher) watched.set(identity, watcher);
      }
    },
    stop() {
      for (const watcher of watched.values()) watcher.close();
      watched.clear();
    },
  };
}

/** A system that lends no watcher (there are few of them, and none on some file systems) leaves the rule. */
function open(folder: string, hint: () => void, lost: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, hint);
    watcher.on('error', () => {
      watcher.close();
      lost();
    });
    return watcher;
  } catch {
    return undefined;
  }
}

function foldersOf(path: string): readonly string[] {
  const own = dirname(resolve(path));
  try {
    return [own, dirname(realpathSync(path))];
  } catch {
    return [own];
  }
}

/** Undefined where there is no such folder. */
function identityOf(folder: string): string | undefined {
  try {
    const { dev, ino } = statSync(folder);
    return `${folder} ${dev} ${ino}`;
  } catch {
    return undefined;
  }
}
