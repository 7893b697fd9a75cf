/** setup.md §6: kill -9 at each change of a file: every client's file is whole, and an undo works. */
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runUndo } from '../../../src/setup/init/undo-run.ts';
import { BUN, ROOT } from '../../harness/paths.ts';
import { openPlace, type Place } from './journaled.ts';

const CHILDREN = join(ROOT, 'test/setup/init/children');
const FILE = '{\n  // mine\n  "mcpServers": {"a": {"command": "run-a"}, "b": {"command": "run-b"}}\n}\n';
const MOST = 200;

function runChild(way: 'wrap' | 'undo', place: Place, dieAt = 0): boolean {
  const files = [join(place.folder, 'one/mcp.json'), join(place.folder, 'two/mcp.json')];
  const command = ['--preload', join(CHILDREN, 'die-at.ts'), join(CHILDREN, 'write-files.ts'), way, place.setup, ...files];
  const { status, stderr } = spawnSync(BUN, command, { env: { ...process.env, DIE_AT: String(dieAt) }, encoding: 'utf8' });
  expect(stderr).toBe('');
  return status === 0;
}

/** The two files, and whatever stands beside them but a lock, which its client takes over. */
function look(place: Place): { readonly texts: readonly string[]; readonly beside: readonly string[] } {
  const folders = ['one', 'two'].map((name) => join(place.folder, name));
  return {
    texts: folders.map((folder) => place.text(join(folder, 'mcp.json'))),
    beside: folders.flatMap((folder) => readdirSync(folder).filter((name) => name !== 'mcp.json' && !name.endsWith('.lock'))),
  };
}

function begin(): Place {
  const place = openPlace();
  for (const name of ['one', 'two']) place.put(`${name}/mcp.json`, FILE);
  return place;
}

/** A lock that the dead left behind is stale in ten seconds, which no test waits for. */
function removeLocks(place: Place): void {
  for (const name of ['one', 'two']) rmSync(join(place.folder, name, 'mcp.json.lock'), { recursive: true, force: true });
}

const undo = (place: Place) => runUndo(place.setup, { isMeant: () => true }, new Set(), Date.UTC(2026, 11, 1));

const AFTER = (() => {
  using place = begin();
  runChild('wrap', place);
  return look(place).texts[0] ?? '';
})();

test('whoever writes dies at each change', async () => {
  let n = 1;
  for (let isDone = false; !isDone; n++) {
    using place = begin();
    isDone = runChild('wrap', place, n);
    for (const text of look(place).texts) expect([n, [FILE, AFTER].includes(text)]).toEqual([n, true]);
    const policy = join(place.folder, 'home/policies/a.yaml');
    expect([n, existsSync(policy) ? place.text(policy) : undefined]).toEqual([n, existsSync(policy) ? 'version: "1"\n' : undefined]);
    removeLocks(place);
    await undo(place);
    expect([n, look(place)]).toEqual([n, { texts: [FILE, FILE], beside: [] }]);
    expect(n).toBeLessThan(MOST);
  }
  expect(n).toBeGreaterThan(20);
}, 200_000);

test('whoever undoes dies at each change', async () => {
  let n = 1;
  for (let isDone = false; !isDone; n++) {
    using place = begin();
    runChild('wrap', place);
    expect(look(place).texts).toEqual([AFTER, AFTER]);
    isDone = runChild('undo', place, n);
    for (const text of look(place).texts) expect([n, [FILE, AFTER].includes(text)]).toEqual([n, true]);
    removeLocks(place);
    await undo(place);
    expect([n, look(place)]).toEqual([n, { texts: [FILE, FILE], beside: [] }]);
    expect(n).toBeLessThan(MOST);
  }
  expect(n).toBeGreaterThan(15);
}, 200_000);
