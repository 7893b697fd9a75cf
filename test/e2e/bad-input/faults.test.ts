/**
 * What the machine can refuse (cli.md §1): a full disk, and files that this user may not use. Each ends with what, where and
 * what to do, in words; a call meanwhile is denied.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Folder, openFolder } from '../../cli/run.ts';
import { interceptCommand, ROOT } from '../../harness/paths.ts';
import { faultsOf } from './rules.ts';

const POLICY = 'version: "1"\nname: faults\ndefault: deny\nmethods: deny\ntools: { add: { rules: [{ name: few, rate_limit: 5/day }] } }\n';
const OTHER = 54_321;
const isRoot = process.getuid?.() === 0;

let folder: Folder;
beforeAll(() => {
  folder = openFolder();
  folder.write('p.yaml', POLICY);
});
afterAll(() => folder[Symbol.dispose]());

function linesOf({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): readonly string[] {
  return (stderr === '' ? stdout : stderr).split('\n').filter((line) => line !== '');
}

function expectWords(lines: readonly string[], expected: RegExp, help: RegExp): void {
  expect(lines.join('\n')).toMatch(expected);
  expect(lines.find((line) => /^(\[INTERCEPT\] \w+ )?help: /.test(line)) ?? 'no help').toMatch(help);
  const faults = lines.flatMap((line) => faultsOf(line.replace(/^intercept: /, '')).map((rule) => `${rule}: ${line}`));
  expect(faults).toEqual([]);
}

/** A disk of 512 KiB of its own, full when the command runs; it goes with the process. */
const ON_FULL_DISK = [
  'set -e; disk="$1"; ready="$2"; shift 2',
  'mount -t tmpfs -o size=512k none "$disk"',
  'if [ "$ready" = kept ]; then "$@" pause >"$disk/said" 2>&1 || true; rm -f "$disk/said"; fi',
  'dd if=/dev/zero of="$disk/rest" bs=1k >/dev/null 2>&1 || true',
].join('\n');
const hasDisks = spawnSync('unshare', ['-rm', 'true']).status === 0;

function onFullDisk(ready: 'new' | 'kept', argv: readonly string[]) {
  const disk = join(folder.path, 'disk');
  mkdirSync(disk, { recursive: true });
  const script = `${ON_FULL_DISK}\n"$@" ${argv.join(' ')}`;
  const env = { ...process.env, INTERCEPT_HOME: join(disk, 'home') };
  return spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', disk, ready, ...interceptCommand()], {
    cwd: folder.path,
    env,
    input: '',
    encoding: 'utf8',
    timeout: 60_000,
  });
}

const FULL = /the disk (is full|fails, or is full)/;
const MAKE_ROOM = /make room/;

describe.skipIf(!hasDisks)('a full disk (skipped where no disk can be mounted)', () => {
  test.each([
    ['new', '-c p.yaml -- cat'],
    ['new', '-c p.yaml --transport http --enable-admin-api -- cat'],
    ['new', 'pause'],
    ['new', 'approvals protect'],
    ['kept', '-c p.yaml -- cat'],
    ['kept', 'pause'],
    ['kept', 'status'],
    ['kept', 'approvals list'],
  ] as const)('%s home: intercept %s', (ready, typed) => {
    const ended = onFullDisk(ready, typed.split(' '));
    expectWords(linesOf(ended), FULL, MAKE_ROOM);
    expect(ended.status).toBe(1);
  });
});

/** Runs it as somebody who is not root, whom permissions bind; the home is that user's. */
function asOther(home: string, argv: readonly string[]) {
  const [file = '', ...args] = [...(isRoot ? ['setpriv', `--reuid=${OTHER}`, '--clear-groups'] : []), ...interceptCommand(), ...argv];
  const env = { ...process.env, HOME: folder.path, INTERCEPT_HOME: home };
  return spawnSync(file, args, { cwd: ROOT, env, input: '', encoding: 'utf8', timeout: 30_000 });
}

interface Refused {
  readonly typed: string;
  /** What stands in the home, and the mode of each, in order: the folders on the way are opened first. */
  readonly home: readonly (readonly [path: string, mode: number])[];
  readonly expected: RegExp;
  readonly help: RegExp;
  readonly status: number;
}

const RUN = '-c P/p.yaml -- cat';
const LISTEN = '-c P/p.yaml --transport http --enable-admin-api -- cat';
const REFUSED: readonly Refused[] = [
  { typed: RUN, home: [['', 0o500]], expected: /HOME.* may not be used by this user/, help: /INTERCEPT_HOME/, status: 1 },
  { typed: RUN, home: [['machine.key', 0o000]], expected: /key.*machine\.key.* may not be used/, help: /ls -ld/, status: 1 },
  { typed: RUN, home: [['events/', 0o500]], expected: /audit record.*events.* may not be used/, help: /ls -ld/, status: 1 },
  { typed: RUN, home: [['state/', 0o500]], expected: /state.* may not be used/, help: /ls -ld/, status: 1 },
  {
    typed: RUN,
    home: [
      ['state/', 0o700],
      ['state/intercept.sqlite', 0o400],
    ],
    expected: /intercept\.sqlite.*cannot be read and written/,
    help: /chmod/,
    status: 1,
  },
  { typed: LISTEN, home: [['admin.token', 0o000]], expected: /admin token.*may not be used/, help: /ls -ld/, status: 1 },
  { typed: 'status', home: [['events/', 0o000]], expected: /audit folder.*permissions were taken away/, help: /ls -ld/, status: 1 },
  {
    typed: 'log',
    home: [
      ['events/', 0o700],
      ['events/2026-01-01T00-00-00.000Z-a.jsonl', 0o000],
    ],
    expected: /a\.jsonl" cannot be read: .*permissions were taken away/,
    help: /ls -l /,
    status: 1,
  },
  { typed: 'pause', home: [['state/', 0o500]], expected: /nothing was paused.*may not be used/, help: /ls -ld/, status: 1 },
  { typed: '-c P/closed.yaml -- cat', home: [], expected: /closed\.yaml: may not be read/, help: /chmod u\+r/, status: 3 },
  { typed: 'validate P/closed.yaml', home: [], expected: /closed\.yaml: error: may not be read/, help: /chmod u\+r/, status: 3 },
  { typed: 'explain -c P/closed.yaml --call x', home: [], expected: /closed\.yaml: may not be read/, help: /chmod u\+r/, status: 3 },
  { typed: 'validate P/p.yaml --tools P/closed.json', home: [], expected: /closed\.json: may not be used/, help: /tools/, status: 1 },
  { typed: '-c P/p.yaml -- P/closed.yaml', home: [], expected: /is not executable/, help: /chmod \+x/, status: 1 },
];

describe('what this user may not use', () => {
  let count = 0;

  /** A home of the other user's with these in it. */
  function homeWith(entries: Refused['home']): string {
    const home = join(folder.path, `home-${++count}`);
    const all = [['', 0o700] as const, ...entries];
    for (const [path] of all) {
      const at = join(home, path);
      if (path === '' || path.endsWith('/')) mkdirSync(at, { recursive: true, mode: 0o700 });
      else Bun.spawnSync(['dd', 'if=/dev/urandom', `of=${at}`, 'bs=32', 'count=1', 'status=none']);
      if (isRoot) chownSync(at, OTHER, OTHER);
    }
    for (const [path, mode] of all) chmodSync(join(home, path), mode);
    return home;
  }

  beforeAll(() => {
    chmodSync(folder.path, 0o755);
    for (const name of ['closed.yaml', 'closed.json']) chmodSync(folder.write(name, POLICY), 0o000);
  });

  test.each(REFUSED.map((row) => [`${row.typed} with ${row.home.map(([path]) => path || 'the home').join(', ')}`, row] as const))(
    '%s',
    (_, { typed, home, expected, help, status }) => {
      const at = homeWith(home);
      const argv = typed.split(' ').map((word) => word.replace(/^P\//, `${folder.path}/`));
      const ended = asOther(at, argv);
      expectWords(
        linesOf(ended).map((line) => line.replaceAll(at, 'HOME')),
        expected,
        help,
      );
      expect(ended.status).toBe(status);
    },
  );
});
