/** Installs a server's package into a folder of its own, so that it can be started without npx or uvx, and without a network. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifyPackage, type StartedPackage } from '../../src/setup/library/package.ts';
import type { LibraryRow } from '../../src/setup/library/rows.ts';

/** A server that is scanned sends requests through proxies that nobody runs. */
const NOWHERE = 'http://127.0.0.1:9';
const OFFLINE = { HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, http_proxy: NOWHERE, https_proxy: NOWHERE, NODE_USE_ENV_PROXY: '1' };

/** It stands in a row's command for a folder of the user's. */
const SOME_FOLDER = '/path/to/dir';

type Environment = Readonly<Record<string, string | undefined>>;

/** Installs the package, calls `use` with the command that starts it and its environment, and removes it. */
export async function withInstalled(row: LibraryRow, use: (command: readonly string[], env: Environment) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-library-'));
  try {
    const command = offline(install(row, folder).map((word) => word.replaceAll(SOME_FOLDER, folder)));
    // A home of its own: neither the server finds this user's files, nor this user the server's.
    await use(command, { PATH: process.env['PATH'], HOME: folder, ...OFFLINE, ...row.env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function install(row: LibraryRow, folder: string): readonly string[] {
  const started = identifyPackage(row.command);
  if (started.kind === 'unknown') throw new Error(`${row.id}: ${started.why}`);
  switch (started.registry) {
    case 'npm':
      run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', `${started.name}@${row.version}`]);
      return [join(folder, 'node_modules/.bin', started.program ?? programOf(folder, started)), ...started.args];
    case 'pypi': {
      const beside = row.command.flatMap((word, index) => (row.command[index - 1] === '--with' ? [word] : []));
      run('python3', ['-m', 'venv', join(folder, 'venv')]);
      run(join(folder, 'venv/bin/pip'), ['install', '--quiet', '--no-input', `${started.name}==${row.version}`, ...beside]);
      return [join(folder, 'venv/bin', started.program ?? started.name), ...started.args];
    }
    case 'docker':
      throw new Error(`${row.id}: an image is not installed; record an answer of it with --from`);
  }
}

/** The command with no network but its own loopback, where the system can do that; elsewhere its proxies lead nowhere. */
function offline(command: readonly string[]): readonly string[] {
  const isAble = spawnSync('unshare', ['-rn', 'true'], { stdio: 'ignore' }).status === 0;
  return isAble ? ['unshare', '-rn', 'sh', '-c', 'ip link set lo up 2>/dev/null; exec "$@"', 'sh', ...command] : command;
}

/** The program that npx would start: the only one, or the one that is called as the package is. */
function programOf(folder: string, { name }: StartedPackage): string {
  const { bin } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
    readonly bin?: string | Readonly<Record<string, string>>;
  };
  const own = name.replace(/^@[^/]*\//, '');
  const [first = own, ...others] = typeof bin === 'object' ? Object.keys(bin) : [own];
  return others.length === 0 ? first : own;
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.slice(-2000)}`);
}
