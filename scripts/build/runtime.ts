/** Bun for other platforms, from the npm packages that `bun` itself is made of: the version that the tests ran with. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DIST } from './paths.ts';

const FOLDER = join(DIST, 'runtimes');

/** Fetches the Bun of a platform (`linux-arm64`) through npm and its cache; answers with where its program is. */
export function fetchRuntime(target: string): string {
  const name = `@oven/bun-${target.replace('arm64', 'aarch64')}`;
  const folder = join(FOLDER, target);
  mkdirSync(folder, { recursive: true });
  const spec = `${name}@${Bun.version}`;
  // On Windows npm is a script, which only a shell starts.
  const windows = process.platform === 'win32';
  const packed = spawnSync('npm', ['pack', spec, '--silent', '--pack-destination', folder], { encoding: 'utf8', shell: windows });
  const archive = packed.stdout?.trim().split('\n').at(-1) ?? '';
  if (packed.status !== 0 || !archive) throw new Error(`npm can not fetch ${spec}: ${reason(packed.stderr)}`);
  const unpacked = spawnSync('tar', ['-xzf', archive], { cwd: folder });
  if (unpacked.status !== 0) throw new Error(`tar can not unpack ${archive}`);
  const program = join(folder, 'package/bin', target.startsWith('windows') ? 'bun.exe' : 'bun');
  if (!existsSync(program)) throw new Error(`${spec} has no ${program}`);
  return program;
}

/** Removes what was fetched: a hundred megabytes each. */
export function removeRuntimes(): void {
  rmSync(FOLDER, { recursive: true, force: true });
}

function reason(stderr: string | null): string {
  return (
    stderr
      ?.trim()
      .split('\n')
      .find((line) => /error/i.test(line)) ?? 'see "npm config get registry"; it must serve the @oven packages'
  );
}
