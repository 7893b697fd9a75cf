/** Three processes' stores on one file, and the memory store, in random histories (I4, I5, I6). */
import { describe } from 'bun:test';
import { join } from 'node:path';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { type Clock, temporaryFolder } from './calls.ts';
import { historySuite, type World } from './histories.ts';

const PROCESSES = 3;

async function sqliteWorld(clock: Clock): Promise<World> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'intercept.sqlite');
  const open = () => openSqliteStore({ path, namespace: 'test', clock: clock.read, timeoutMs: 5_000 });
  const stores: World['stores'] = [];
  for (let index = 0; index < PROCESSES; index++) stores.push(await open());
  return {
    stores,
    async restart(index) {
      await stores[index]?.close();
      stores[index] = await open();
    },
    async dispose() {
      for (const store of stores) await store.close();
      folder.remove();
    },
  };
}

/** Nobody survives the death of this one: it is one process, and its records are its own. */
async function memoryWorld(clock: Clock): Promise<World> {
  const store = openMemoryStore({ clock: clock.read, namespace: 'test' });
  return { stores: [store], restart: async () => {}, dispose: () => store.close() };
}

describe('sqlite, three processes', () => historySuite(30, sqliteWorld));
describe('memory', () => historySuite(100, memoryWorld));
