/** A process that delivers to one webhook until it is killed: `notify.ts STORE URL`. */
import { openNotifier } from '../../../src/approval/notifier.ts';
import { openSqliteStore } from '../../../src/state/sqlite/sqlite.ts';
import { beatingEvery } from '../../harness/ticker.ts';

const [, , path = '', url = ''] = process.argv;
const store = await openSqliteStore({ path, namespace: 'ns', clock: Date.now, timeoutMs: 5_000 });
openNotifier({
  approvals: store.approvals,
  webhook: () => ({ url, key: undefined }),
  ...{ owner: 'child', namespace: 'ns', clock: Date.now, chance: Math.random, origin: undefined },
  renderArgs: (text) => ({ text, masked: 0, cut: 0 }),
  onFailure: () => undefined,
  warn: () => undefined,
  every: beatingEvery(),
});
setInterval(() => undefined, 60_000);
