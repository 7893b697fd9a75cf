/** Machines in memory, of any platform: files by path, folders from them. */
import { posix, win32 } from 'node:path';
import type { Disk, Platform, World } from '../../../src/setup/clients/types.ts';

export interface Machine {
  readonly platform?: Platform;
  readonly home?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Text or bytes by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Links, by path: where they lead. */
  readonly links?: Readonly<Record<string, string>>;
  /** What is neither file nor folder. */
  readonly others?: readonly string[];
}

const HOMES: Readonly<Record<Platform, string>> = { linux: '/home/me', darwin: '/Users/me', win32: 'C:\\Users\\me' };

export function worldOf({
  platform = 'linux',
  home = HOMES[platform],
  cwd,
  env = {},
  files = {},
  links = {},
  others = [],
}: Machine): World {
  const path = platform === 'win32' ? win32 : posix;
  const real = (name: string): string => {
    const link = Object.keys(links).find((from) => name === from || name.startsWith(from + path.sep));
    return link === undefined ? name : real(`${links[link]}${name.slice(link.length)}`);
  };
  const names = [...Object.keys(files), ...Object.keys(links), ...others];
  const isFolder = (name: string) => names.some((known) => known.startsWith(name.endsWith(path.sep) ? name : name + path.sep));
  const bytes = (name: string) => {
    const content = files[real(name)];
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
  const disk: Disk = {
    look(name) {
      const found = bytes(name);
      if (found) return { kind: 'file', size: found.length };
      if (others.includes(real(name))) return { kind: 'other', size: 0 };
      return isFolder(real(name)) ? { kind: 'folder', size: 0 } : undefined;
    },
    realPath: (name) => (bytes(name) || isFolder(real(name)) || others.includes(real(name)) ? real(name) : undefined),
    read: (name, most) => {
      const found = bytes(name);
      if (!found) return others.includes(real(name)) ? 'is no ordinary file' : 'does not exist';
      return found.length > most ? `is larger than ${most / 1024 ** 2} MiB` : found;
    },
    list(folder) {
      const start = `${real(folder)}${path.sep}`;
      const below = names.filter((name) => name.startsWith(start)).map((name) => name.slice(start.length).split(path.sep)[0] ?? '');
      return [...new Set(below)].sort();
    },
  };
  return { platform, home, cwd: cwd ?? path.join(home, 'work'), env, disk };
}
