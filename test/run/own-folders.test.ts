/** cli.md §2: a home, state folder, token or key that is not this user's alone. */
import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFolders, dropExposed } from '../../src/run/own-folders.ts';
import { stateIn } from '../../src/state/open.ts';
import { type Folder, openFolder } from '../cli/run.ts';
import { BUN, ROOT } from '../harness/paths.ts';

const isRoot = process.getuid?.() === 0;
const OTHER = 12_345;

function homeOf(folder: Folder) {
  const home = String(folder.env.INTERCEPT_HOME);
  const stateDir = join(home, 'state');
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, 'admin.token'), 'a'.repeat(43), { mode: 0o600 });
  writeFileSync(join(home, 'machine.key'), Buffer.alloc(32), { mode: 0o600 });
  return { home, state: stateIn(stateDir) };
}

const PLACES = ['', 'state', 'admin.token', 'machine.key'];
const COMMANDS = [
  ['status'],
  ['pause'],
  ['resume'],
  ['approvals', 'list'],
  ['approvals', 'approve', 'apr_x'],
  ['approvals', 'protect'],
  ['idempotency', 'list'],
  ['explain', '-c', 'p.yaml', '--call', 'x'],
  ['-c', 'p.yaml', '--', 'true'],
  ['-c', 'p.yaml', '--enable-admin-api', '--', 'true'],
];

describe('a place that others can write stops every command that touches the home, and says what to do', () => {
  for (const place of PLACES)
    for (const [mode, who] of [
      [0o620, 'its group'],
      [0o602, 'everybody'],
      [0o666, 'everybody'],
    ] as const)
      test(`${place || 'home'} with mode ${mode.toString(8)}`, async () => {
        using folder = openFolder();
        const { home } = homeOf(folder);
        const path = join(home, place);
        chmodSync(path, statSync(path).isDirectory() ? mode | 0o100 : mode);
        for (const argv of COMMANDS) {
          const { status, out, err } = await folder.run(...argv);
          expect([argv, status, out]).toEqual([argv, 1, '']);
          expect(err).toContain(JSON.stringify(path));
          expect(err).toContain(who);
          expect(err).toContain('help: look at what is in it, then run "chmod go-w ');
        }
      });
});

describe('a place of somebody else', () => {
  for (const place of [...PLACES, 'events', 'tools', 'state/intercept.sqlite'])
    test.skipIf(!isRoot)(`${place || 'home'} stops them, too`, async () => {
      using folder = openFolder();
      const { home } = homeOf(folder);
      const path = join(home, place);
      if (!existsSync(path)) place.includes('.') ? writeFileSync(path, '') : mkdirSync(path, { mode: 0o700 });
      chownSync(path, OTHER, OTHER);
      for (const argv of COMMANDS) {
        const { status, out, err } = await folder.run(...argv);
        expect([argv, status, out]).toEqual([argv, 1, '']);
        expect(err).toContain(`: it belongs to another user (${OTHER}), and this is user ${process.getuid?.()}`);
        expect(err).toContain('INTERCEPT_HOME');
      }
    });
});

test.skipIf(!isRoot)('another user than the one whose home it is gets nowhere', async () => {
  using folder = openFolder();
  const { home } = homeOf(folder);
  for (const path of [folder.path, home]) chmodSync(path, 0o755);
  const env = { ...process.env, INTERCEPT_HOME: home };
  const program = `process.setgid(${OTHER}); process.setuid(${OTHER}); process.argv = ['', '', 'status']; await import(${JSON.stringify(join(ROOT, 'src/cli/main.ts'))})`;
  const run = () => spawnSync(BUN, ['-e', program], { env, encoding: 'utf8', cwd: '/' });
  const { status, stderr } = run();
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining(`cannot read the home "${home}": it belongs to another user (0), and this is user ${OTHER}`),
  ]);
  chmodSync(folder.path, 0o700);
  const closed = run();
  expect([closed.status, closed.stderr]).toEqual([
    1,
    expect.stringContaining(`cannot read the home "${home}": "${folder.path}" belongs to another user (0), who lets nobody else in`),
  ]);
});

test('commands that do not touch the home run all the same', async () => {
  using folder = openFolder();
  const { home } = homeOf(folder);
  chmodSync(home, 0o777);
  expect((await folder.run('validate', folder.write('p.yaml', 'version: "1"\n'))).status).toBe(0);
  expect((await folder.run('--help')).status).toBe(0);
});

test('what stands above the home is not looked at', () => {
  using folder = openFolder();
  const places = homeOf(folder);
  chmodSync(folder.path, 0o777);
  checkFolders(places, {});
});

describe('a home that is no folder, or can not be reached, is named with what is wrong and what to do', () => {
  const said = async (make: (folder: Folder) => string, wrong: string) => {
    using folder = openFolder();
    const home = make(folder);
    folder.env.INTERCEPT_HOME = home;
    for (const argv of COMMANDS) {
      const { status, out, err } = await folder.run(...argv);
      expect([argv, status, out]).toEqual([argv, 1, '']);
      expect(err).toContain(`${JSON.stringify(home)}${wrong}`);
      expect(err).toContain('help: ');
      expect(err).not.toMatch(/ENOENT|ENOTDIR|ELOOP|EEXIST/);
    }
  };

  test('a file', () => said((folder) => folder.write('home', 'x'), ' is no folder'));
  test('below a file', () =>
    said((folder) => join(folder.write('file', 'x'), 'home'), ': a file stands where a folder on the way to it would be'));
  const linked = (to: string) => (folder: Folder) => {
    const path = join(folder.path, 'link');
    symlinkSync(to, path);
    return path;
  };
  test('a link to nothing', () => said(linked('nothing'), ' is a link to nothing'));
  test('a link to itself', () => said(linked('link'), ': links on the way to it lead in a circle'));
});

test.skipIf(!isRoot)('a link to the home is to be one of our own, or of root', () => {
  using folder = openFolder();
  const places = homeOf(folder);
  const link = join(folder.path, 'link');
  symlinkSync(places.home, link);
  checkFolders({ ...places, home: link }, {});
  lchownSync(link, OTHER, OTHER);
  expect(() => checkFolders({ ...places, home: link }, {})).toThrow(
    `the link to the home ${JSON.stringify(link)}: it belongs to another user (${OTHER})`,
  );
});

describe('INTERCEPT_HOME_GROUP', () => {
  test('bits of that group are not looked at, those of others and of everybody are', () => {
    using folder = openFolder();
    const places = homeOf(folder);
    const { gid } = statSync(places.home);
    const env = { INTERCEPT_HOME_GROUP: String(gid) };
    for (const place of PLACES) chmodSync(join(places.home, place), place.includes('.') ? 0o660 : 0o2770);
    checkFolders(places, env);
    dropExposed('key', join(places.home, 'machine.key'), env, () => expect.unreachable());
    expect(() => checkFolders(places, { INTERCEPT_HOME_GROUP: String(gid + 1) })).toThrow('its group');
    expect(() => checkFolders(places, {})).toThrow('its group');
    chmodSync(join(places.home, 'state'), 0o2772);
    expect(() => checkFolders(places, env)).toThrow('everybody can write the state folder');
  });

  test('what is no number is refused', () => {
    using folder = openFolder();
    for (const text of ['staff', '-1', '1e3', ' '])
      expect(() => checkFolders(homeOf(folder), { INTERCEPT_HOME_GROUP: text })).toThrow('which is no group');
  });
});

describe('a token or key that others could read', () => {
  for (const mode of [0o640, 0o604, 0o644])
    test(`is taken away with a warning (mode ${mode.toString(8)}), and stays where they could not`, () => {
      using folder = openFolder();
      const path = join(homeOf(folder).home, 'machine.key');
      const warnings: string[] = [];
      dropExposed('key', path, {}, (text) => warnings.push(text));
      expect([existsSync(path), warnings]).toEqual([true, []]);
      chmodSync(path, mode);
      dropExposed('key', path, {}, (text) => warnings.push(text));
      expect(existsSync(path)).toBe(false);
      expect(warnings.join()).toContain('is replaced');
    });

  test('a command replaces the key, and says so', async () => {
    using folder = openFolder();
    const path = join(homeOf(folder).home, 'machine.key');
    chmodSync(path, 0o644);
    const { err } = await folder.run('pause');
    expect(err).toContain('WARN others could read the key');
    expect(readFileSync(path).equals(Buffer.alloc(32))).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
