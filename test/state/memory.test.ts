import { openMemoryStore } from '../../src/state/memory.ts';
import type { OpenFixture } from './fixture.ts';
import { storeSuite } from './suite.ts';

const open: OpenFixture = async (clock) => {
  const store = openMemoryStore({ clock: clock.read, namespace: 'test' });
  return { store, dispose: () => store.close() };
};

storeSuite('memory', open);
