/** The policy file while the proxy runs (cli.md §1). */
import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadFirst, type Reload, watchPolicy } from '../../src/cli/rules.ts';
import { temporaryFolder } from '../harness/paths.ts';

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
  const watched = watchPolicy({ path, first: first.policy, seen: first.seen, accept, log, onReload: reload.resolve });
  expect((await reload.promise).kind).toBe('taken');
  expect(watched.current()?.policy.default).toBe('deny');
  watched.stop();
  await remove();
});

test('a first reading of what is not there says so', async () => {
  expect(await loadFirst('/proc/1/no/such/policy.yaml', accept)).toMatchObject({ kind: 'failed' });
});
