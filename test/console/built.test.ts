/** The module that holds the console is what its sources give, wherever it is built. */
import { expect, test } from 'bun:test';
import { checkConsole } from '../../scripts/build/console.ts';

test('the built console is fresh: else run "npm run console"', async () => {
  await expect(checkConsole()).resolves.toBeUndefined();
});
