/** Wraps the server `a` of two files, or takes that back: `write-files.ts wrap|undo SETUP FILE FILE`. */
import { openJournal } from '../../../../src/setup/init/journal.ts';
import { writePolicy } from '../../../../src/setup/init/policies.ts';
import { runUndo } from '../../../../src/setup/init/undo-run.ts';
import { targetAt, wrapServers } from '../journaled.ts';

const [, , way, setup = '', ...files] = process.argv;
const NOW = Date.UTC(2026, 10, 30);

if (way === 'wrap') {
  const run = openJournal(setup, 'init', NOW);
  writePolicy({ name: 'a', path: `${setup}/../policies/a.yaml`, relative: undefined, isThere: false }, 'version: "1"\n', undefined);
  for (const file of files) await wrapServers(targetAt(file, { lock: 'folder' }), ['a'], run);
} else await runUndo(setup, { isMeant: () => true }, new Set(), NOW);
