import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { MAX_RESULTS, type OpenFixture } from './fixture.ts';
import { storeSuite } from './suite.ts';

const open: OpenFixture = async (clock) => {
  const store = openMemoryStore({ clock: clock.read, namespace: 'test', maxResults: MAX_RESULTS });
  return { store, dispose: () => store.close() };
};

storeSuite('memory', open);
