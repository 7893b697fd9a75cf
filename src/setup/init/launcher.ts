/** Writes the small file that entries name (setup.md §5): it finds a Node.js and starts the version that is set up. */
import { join, relative } from 'node:path';

/** Where Node.js is found when an application starts without the PATH of a shell; `$HOME` is the shell's. */
const USUAL = [
  '/opt/homebrew/bin',
  '/usr/local/bin',
  '/usr/bin',
  '/opt/local/bin',
  '/snap/bin',
  '"$HOME"/.volta/bin',
  '"$HOME"/.local/bin',
  '"$HOME"/.nvm/versions/node/*/bin',
  '"$HOME"/.local/share/fnm/node-versions/*/installation/bin',
  '"$HOME"/.local/share/mise/installs/node/*/bin',
  '"$HOME"/.asdf/installs/nodejs/*/bin',
];

export interface Launched {
  /** The package's command, or the binary. */
  readonly path: string;
  readonly isPackage: boolean;
  readonly node: string;
}

/** The launcher's name in `bin`: a shell script, or on Windows, where clients start no script, a module. */
export function launcherName(platform: NodeJS.Platform, isPackage: boolean): string {
  if (platform !== 'win32') return 'intercept';
  return isPackage ? 'intercept.mjs' : 'intercept.cmd';
}

/** The launcher and its text. */
export function launcherOf(launched: Launched, home: string, platform: NodeJS.Platform): { readonly name: string; readonly text: string } {
  const name = launcherName(platform, launched.isPackage);
  const inBin = relative(join(home, 'bin'), launched.path).replaceAll('\\', '/');
  if (name.endsWith('.mjs')) return { name, text: `import ${JSON.stringify(`./${inBin}`)};\n` };
  if (name.endsWith('.cmd')) return { name, text: `@"%~dp0${inBin.replaceAll('/', '\\')}" %*\r\n` };
  return { name, text: launched.isPackage ? scriptOf(launched) : `${HEAD}exec ${quoted(launched.path)} "$@"\n` };
}

const HEAD = '#!/bin/sh\n# Starts Intercept. `intercept init` wrote this, and `intercept init --update` renews it.\n';

/** Folders of PATH that are no whole path are passed over: they would mean what the current folder holds. */
function scriptOf({ path, node }: Launched): string {
  return `${HEAD}program=${quoted(path)}
node=${quoted(node)}
[ -x "$node" ] && exec "$node" "$program" "$@"

is_fit() {
  case $1 in /*) ;; *) return 1 ;; esac
  [ -f "$1" ] && [ -x "$1" ] || return 1
  "$1" -e 'var v = process.versions.node.split("."); process.exit(v[0] > 22 || (v[0] == 22 && v[1] >= 13) ? 0 : 1)' </dev/null >/dev/null 2>&1
}

old_ifs=$IFS
IFS=:
set -f
for folder in $PATH; do
  IFS=$old_ifs
  is_fit "$folder/node" && exec "$folder/node" "$program" "$@"
done
IFS=$old_ifs
set +f
for folder in ${USUAL.join(' ')}; do
  is_fit "$folder/node" && exec "$folder/node" "$program" "$@"
done
echo 'intercept: no Node.js 22.13 or later was found: install one from https://nodejs.org' >&2
exit 1
`;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
