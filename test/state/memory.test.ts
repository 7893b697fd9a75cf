import { openMemoryStore } from '../../src/state/memory.ts';
import { modelSuite } from './model.ts';
import { type OpenFixture, storeSuite } from './suite.ts';

const open: OpenFixture = async (clock) => {
  const store = openMemoryStore({ clock: clock.read, namespace: 'test' });
  return { store, dispose: () => store.close() };
};

storeSuite('memory', open);
modelSuite('memory', open);
