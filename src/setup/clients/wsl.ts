/** Windows beside WSL: its users' homes, to be looked at and left. */
import type { World } from './types.ts';

const USERS = '/mnt/c/Users';
/** Folders there that are nobody's home. */
const NOBODY: ReadonlySet<string> = new Set(['All Users', 'Default', 'Default User', 'Public', 'desktop.ini']);

/** The worlds of Windows' users, where this is WSL. */
export function windowsWorlds(world: World): readonly World[] {
  if (world.platform !== 'linux' || !world.env.WSL_DISTRO_NAME) return [];
  return world.disk
    .list(USERS)
    .filter((name) => !NOBODY.has(name))
    .map((name) => ({ ...world, platform: 'win32' as const, paths: 'posix' as const, home: `${USERS}/${name}`, env: {} }));
}
