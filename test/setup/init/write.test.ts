/** setup.md §3 "Files are other people's": what is written, how, and what is refused. */
import { describe, expect, test } from 'bun:test';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { openJournal, readRuns, standingOf } from '../../../src/setup/init/journal.ts';
import { underLock } from '../../../src/setup/init/lock.ts';
import { refuseWhileRunning } from '../../../src/setup/init/running.ts';
import { runUndo } from '../../../src/setup/init/undo-run.ts';
import { writeTarget } from '../../../src/setup/init/write.ts';
import { openPlace, type Place, targetAt, wrapped, wrapServers } from './journaled.ts';

const NOW = Date.UTC(2026, 10, 30);
const FILE = '{"mcpServers": {"a": {"command": "run-a"}, "b": {"command": "run-b"}}}\n';
const AFTER = FILE.replace('"command": "run-a"', '"command": "/bin/intercept", "args": ["-c", "/p/a.yaml", "--", "run-a"]');

const begin = (place: Place) => openJournal(place.setup, 'init', NOW);

describe('a file is replaced whole', () => {
  test('with its mode, and nothing is left beside it', async () => {
    using place = openPlace();
    const path = place.put('c/mcp.json', FILE);
    chmodSync(path, 0o640);
    expect(await wrapServers(targetAt(path), ['a'], begin(place))).toEqual({ kind: 'written' });
    expect(place.text(path)).toBe(AFTER);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    expect(readdirSync(join(place.folder, 'c'))).toEqual(['mcp.json']);
  });

  test('behind a link, which stays one', async () => {
    using place = openPlace();
    const real = place.put('dotfiles/mcp.json', FILE);
    mkdirSync(join(place.folder, 'c'));
    const path = join(place.folder, 'c/mcp.json');
    symlinkSync('../dotfiles/mcp.json', path);
    expect(await wrapServers(targetAt(path), ['a'], begin(place))).toEqual({ kind: 'written' });
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readlinkSync(path)).toBe('../dotfiles/mcp.json');
    expect(place.text(real)).toBe(AFTER);
  });

  test('with a copy and a journal that nobody else can read, announced before it is done', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    await wrapServers(targetAt(path), ['a'], begin(place));
    const [run] = readRuns(place.setup);
    expect(run?.lines.map(({ type }) => type)).toEqual(['run', 'intent', 'done']);
    const folder = run?.folder ?? '';
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(readFileSync(join(folder, '0.backup'), 'utf8')).toBe(FILE);
    expect(standingOf([run as NonNullable<typeof run>]).map(({ open }) => open)).toEqual([[0]]);
  });

  test('or not at all, where the plan changes nothing', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    expect(await writeTarget(targetAt(path), ({ bytes }) => ({ bytes, entries: [] }), begin(place))).toEqual({ kind: 'same' });
    expect(readRuns(place.setup)[0]?.lines).toHaveLength(1);
  });
});

describe('a file that changes meanwhile', () => {
  test('is planned anew, and the change is kept', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    let times = 0;
    const outcome = await writeTarget(
      targetAt(path),
      ({ bytes }) => {
        // Another program writes between reading and replacing.
        if (times++ === 0) writeFileSync(path, FILE.replace('run-b', 'new-b'));
        return wrapped(bytes, ['a']);
      },
      begin(place),
    );
    expect([outcome, times]).toEqual([{ kind: 'written' }, 2]);
    expect(place.text(path)).toBe(AFTER.replace('run-b', 'new-b'));
    expect(readdirSync(place.folder).sort()).toEqual(['home', 'mcp.json']);
  });

  test('and never stops is left as it is', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    let times = 0;
    const outcome = await writeTarget(
      targetAt(path),
      () => {
        writeFileSync(path, `${FILE}${++times}`);
        return { bytes: Buffer.from('ours'), entries: [] };
      },
      begin(place),
    );
    expect(outcome).toEqual({ kind: 'refused', refused: 'changes all the time: close the programs that write it' });
    expect(place.text(path)).toBe(`${FILE}5`);
  });
});

describe('locks', () => {
  test("the client's lock is taken beside both names, and given back", async () => {
    using place = openPlace();
    const real = place.put('dotfiles/mcp.json', FILE);
    const path = join(place.folder, 'mcp.json');
    symlinkSync(real, path);
    let held: readonly boolean[] = [];
    await writeTarget(
      targetAt(path, { lock: 'owner-folder' }),
      ({ bytes }) => {
        held = [path, real].map((each) => readdirSync(`${each}.lock`)[0]?.startsWith('owner.') === true);
        return { bytes, entries: [] };
      },
      begin(place),
    );
    expect(held).toEqual([true, true]);
    expect(readdirSync(place.folder)).not.toContain('mcp.json.lock');
  });

  test('one that was left behind is taken over', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    mkdirSync(`${path}.lock`);
    utimesSync(`${path}.lock`, new Date(0), new Date(0));
    expect(await wrapServers(targetAt(path, { lock: 'folder' }), ['a'], begin(place))).toEqual({ kind: 'written' });
  });

  test('one that is held ends in a refusal', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    mkdirSync(`${path}.lock`);
    const soon = new Date(Date.now() + 3_600_000);
    utimesSync(`${path}.lock`, soon, soon);
    const taken = underLock([path], 'folder', () => Promise.resolve('written'), 60);
    expect(taken).rejects.toThrow(`${path}.lock is there: a client is writing the file`);
    await taken.catch(() => {});
    expect(readdirSync(place.folder).sort()).toEqual(['mcp.json', 'mcp.json.lock']);
  });
});

describe('refused', () => {
  const refusal = async (place: Place, path: string, project?: string) => {
    const outcome = await wrapServers(targetAt(path, { project }), ['a'], begin(place));
    return outcome.kind === 'refused' ? outcome.refused : outcome.kind;
  };

  test('a file that is read-only, or has another name', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    chmodSync(path, 0o444);
    expect(await refusal(place, path)).toBe('is read-only: change it where it is made, or make it writable');
    chmodSync(path, 0o644);
    linkSync(path, join(place.folder, 'twin.json'));
    expect(await refusal(place, path)).toBe('has 2 names on this disk (hard links), of which only one would change');
  });

  test("a project's file that leads out of it", async () => {
    using place = openPlace();
    const outside = place.put('mine.json', FILE);
    mkdirSync(join(place.folder, 'project'));
    const path = join(place.folder, 'project/.mcp.json');
    symlinkSync(outside, path);
    expect(await refusal(place, path, join(place.folder, 'project'))).toMatch(/^leads out of the project, to ".*mine\.json"$/);
    expect(place.text(outside)).toBe(FILE);
  });

  test('a pipe, a folder, a file that is too large, one that is not there', async () => {
    using place = openPlace();
    const pipe = join(place.folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    expect(await refusal(place, pipe)).toBe('is no regular file');
    expect(await refusal(place, place.folder)).toBe('is no regular file');
    const large = place.put('large.json', '');
    spawnSync('truncate', ['-s', '21M', large]);
    expect(await refusal(place, large)).toBe('has 22020096 bytes, more than a configuration can have');
    expect(await refusal(place, join(place.folder, 'no.json'))).toBe('does not exist');
  });
});

test('a client that runs and writes its file from memory keeps it as it is', async () => {
  using place = openPlace();
  const path = place.put('claude_desktop_config.json', FILE);
  const program = join(place.folder, 'claude-desktop');
  copyFileSync(spawnSync('sh', ['-c', 'command -v sleep'], { encoding: 'utf8' }).stdout.trim(), program);
  chmodSync(program, 0o755);
  const app = spawn(program, ['60'], { argv0: program });
  await once(app, 'spawn');
  const target = targetAt(path, { clients: ['claude-desktop'] });
  const outcome = await wrapServers(target, ['a'], begin(place));
  app.kill('SIGKILL');
  expect(outcome).toEqual({ kind: 'refused', refused: expect.stringContaining('Claude Desktop, which runs') });
  expect(place.text(path)).toBe(FILE);
  expect(refuseWhileRunning(['claude-desktop'], () => ['claude', 'sh'])).toBeUndefined();
});

test('a file that cannot be renamed over is written where it is, and a crash in between is undone', async () => {
  using place = openPlace();
  const path = place.put('mcp.json', FILE);
  const run = begin(place);
  const { bytes, entries } = wrapped(Buffer.from(FILE), ['a']);
  const copy = run.backUp(bytes);
  const backup = run.backUp(Buffer.from(FILE));
  const n = run.intend({ ...targetAt(path), real: path, hash_before: 'x', hash_after: 'y', backup, temporary: '.t', entries });
  run.add({ type: 'in_place', n, copy });
  writeFileSync(path, bytes.subarray(0, 20));
  const report = await runUndo(place.setup, { isMeant: () => true }, new Set(), NOW);
  expect(report.files.map(({ result }) => result.entries.map(({ outcome }) => outcome))).toEqual([['nothing']]);
  expect(place.text(path)).toBe(FILE);
});
