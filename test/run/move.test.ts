/** `intercept state move`: what is there of a state before all of it is there lets nothing through (I4). */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { moveContent } from '../../src/run/move.ts';
import { type StateLocation, stateAt, stateIn } from '../../src/state/open.ts';
import { parseAddress } from '../../src/state/redis/address.ts';
import { PROGRAMS, startRedis } from '../harness/redis-server.ts';
import { counter, limited, temporaryFolder, UNIT } from '../state/calls.ts';

async function broken(to: StateLocation, folder: string): Promise<void> {
  const from = stateIn(join(folder, 'old'));
  const store = await from.open({ namespace: 'n' });
  await store.reserve([limited([counter('c')], 9 * UNIT)]);
  await store.approvals.protect('a hash');
  await store.pause({ policy: 'p', reason: 'look' });
  await store.leave('none');
  await store.close();
  // Something in it cannot be written, after the counters were.
  const spoilt: StateLocation = {
    ...to,
    content: {
      ...to.content,
      load: (state) => to.content.load({ ...state, claims: [{ namespace: 'n', row: {} as never }] }),
    },
  };
  await expect(moveContent(from, spoilt, Date.now())).rejects.toThrow();
  const [old, there] = await Promise.all([from, to].map((each) => each.read('', (one) => one.control())));
  expect(old?.pauses).toMatchObject([{ policy: 'p', reason: 'look' }]);
  expect(there?.pauses).toMatchObject([{ policy: undefined, reason: expect.stringContaining('is being moved here') }]);
  expect(await to.withRecords(({ approvals }) => approvals.secret())).toBe('a hash');
}

test('into a folder: a move that breaks off leaves the new state paused and protected, the old one as it was', async () => {
  const folder = temporaryFolder();
  await broken(stateIn(join(folder.path, 'new')), folder.path).finally(folder.remove);
});

test.skipIf(PROGRAMS.length === 0)('onto a server: likewise', async () => {
  const folder = temporaryFolder();
  const server = await startRedis();
  const address = () => parseAddress(`redis://${server.host}:${server.port}`);
  const to = stateAt({ address, tls: {}, sentinelLogin: undefined, folder: join(folder.path, 'known') });
  try {
    await broken(to, folder.path);
  } finally {
    await server.stop();
    folder.remove();
  }
});
