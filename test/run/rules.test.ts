/** The policy file while the proxy runs (cli.md §1). */
import { expect, test } from 'bun:test';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadFirst, watchPolicy } from '../../src/run/rules.ts';
import type { Reload } from '../../src/serve/transport.ts';
import { temporaryFolder } from '../harness/paths.ts';
import { beatingEvery } from '../harness/ticker.ts';
import { until } from '../harness/wait.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const accept = (policy: Parameters<Parameters<typeof loadFirst>[1]>[0]) => ({ policy });

test('an edit between the first reading and the watching is taken', async () => {
  const { path: folder, remove } = await temporaryFolder();
  const path = join(folder, 'p.yaml');
  await writeFile(path, 'version: "1"\ndefault: allow\n');
  const first = await loadFirst(path, accept);
  if (first.kind === 'failed') throw new Error(first.errors.join('\n'));
  await writeFile(path, 'version: "1"\ndefault: deny\n');
  const reload = Promise.withResolvers<Reload>();
  const watched = watchPolicy({
    path,
    first: first.policy,
    seen: first.seen,
    accept,
    log,
    every: beatingEvery(),
    onReload: reload.resolve,
  });
  expect((await reload.promise).kind).toBe('taken');
  expect(watched.current?.policy.default).toBe('deny');
  watched.stop();
  await remove();
});

test('a first reading of what is not there says so', async () => {
  expect(await loadFirst('/proc/1/no/such/policy.yaml', accept)).toMatchObject({ kind: 'failed' });
});

test('I8: a folder that cannot be entered any more is an edit that is not taken, said once, until it can be', async () => {
  const { path: folder, remove } = await temporaryFolder();
  const inner = join(folder, 'inner');
  const path = join(inner, 'p.yaml');
  await mkdir(inner);
  await writeFile(path, 'version: "1"\ndefault: allow\n');
  const first = await loadFirst(path, accept);
  if (first.kind === 'failed') throw new Error(first.errors.join('\n'));
  const reloads: Reload['kind'][] = [];
  const said: string[] = [];
  const loud = { ...log, warn: (text: string) => void said.push(text), error: (text: string) => void said.push(text) };
  const watched = watchPolicy({
    path,
    first: first.policy,
    seen: first.seen,
    accept,
    log: loud,
    every: beatingEvery(),
    onReload: ({ kind }) => void reloads.push(kind),
  });
  await rename(inner, join(folder, 'aside'));
  // A link to itself fails for every user, root included.
  await symlink('inner', inner);
  await until('the rejection', () => watched.rejected());
  // Three more looks, of which nothing may be seen.
  for (const since = performance.now(); performance.now() - since < 700; ) await pause(50);
  expect(watched.rejected()).toContain('cannot be read');
  expect(watched.current?.policy.default).toBe('allow');
  expect([reloads, said.length]).toEqual([['rejected'], 2]);
  await rm(inner);
  await rename(join(folder, 'aside'), inner);
  await until('the file in force', () => (watched.rejected() === undefined ? true : undefined));
  watched.stop();
  await remove();
});
