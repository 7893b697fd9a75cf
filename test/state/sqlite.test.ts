import { join } from 'node:path';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { temporaryFolder } from './calls.ts';
import { MAX_RESULTS, type OpenFixture } from './fixture.ts';
import { storeSuite } from './suite.ts';

const open: OpenFixture = async (clock) => {
  const folder = temporaryFolder();
  const store = await openSqliteStore({
    path: join(folder.path, 'intercept.sqlite'),
    namespace: 'test',
    clock: clock.read,
    timeoutMs: 250,
    maxResults: MAX_RESULTS,
  });
  const dispose = async () => {
    await store.close();
    folder.remove();
  };
  return { store, dispose };
};

storeSuite('sqlite', open);
