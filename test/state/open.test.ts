/** The location of the state: what is there, how it is opened, and how messages call it. */
import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stateIn } from '../../src/state/open.ts';
import { openFolder } from '../cli/run.ts';
import { approvalOf, held } from './calls.ts';

describe('the state in a folder', () => {
  test('reading makes nothing where nothing is', async () => {
    using folder = openFolder();
    const state = stateIn(join(folder.path, 'state'));
    expect(await state.isThere()).toBe(false);
    expect(await state.read('shop', (store) => store.counters())).toBeUndefined();
    expect(await state.withRecords(({ approvals }) => approvals.list({}))).toBeUndefined();
    expect(existsSync(state.name)).toBe(false);
  });

  test('what a store of one namespace holds is read, and its records are those of all', async () => {
    using folder = openFolder();
    const state = stateIn(join(folder.path, 'state'));
    const store = await state.open({ namespace: 'shop', timeoutMs: 1_000, maxResults: 1_000 });
    const [verdict] = await store.reserve([held('f')]);
    await store.close();
    const { id } = approvalOf(verdict);
    expect(await state.isThere()).toBe(true);
    expect((await state.read('other', ({ approvals }) => approvals.list({})))?.map((record) => record.id)).toEqual([id]);
    expect((await state.withRecords(({ approvals }) => approvals.find(id)))?.map(({ namespace }) => namespace)).toEqual(['shop']);
  });

  test('people who decide get a new store where there is none', async () => {
    using folder = openFolder();
    const state = stateIn(join(folder.path, 'state'));
    const records = await state.openRecords();
    await records.approvals.protect('hash');
    await records.close();
    expect(await state.withRecords(({ approvals }) => approvals.secret())).toBe('hash');
  });

  test('it is called by its folder, and says what must be this user’s alone', () => {
    const { name, folders, files } = stateIn('/srv/state');
    expect({ name, folders, files }).toEqual({ name: '/srv/state', folders: ['/srv/state'], files: ['/srv/state/intercept.sqlite'] });
  });
});
