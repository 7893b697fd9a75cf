/** Names the user that runs this process by the operating system's own records: anybody can write into variables. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/**
 * Names the user that this process acts as: from /etc/passwd, else from whatever else the system asks (`id -un`), else
 * `uid 1234`. On Bun `userInfo` answers with `USER`, so that it decides only where there are no user ids.
 */
export async function operator(): Promise<string> {
  const uid = process.geteuid?.();
  if (uid === undefined) return userInfo().username;
  return nameInPasswd(uid) ?? (await nameByCommand()) ?? `uid ${uid}`;
}

function nameInPasswd(uid: number): string | undefined {
  try {
    const rows = readFileSync('/etc/passwd', 'utf8').split('\n');
    return rows.map((row) => row.split(':')).find(([name, , id]) => name && id === String(uid))?.[0];
  } catch {
    return undefined;
  }
}

/** Asks a directory such as LDAP as well. A user without a name is an error of the command. */
async function nameByCommand(): Promise<string | undefined> {
  try {
    const { execFileSync } = await import('node:child_process');
    return execFileSync('id', ['-un'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 2_000 }).trim() || undefined;
  } catch {
    return undefined;
  }
}
