/** The address of a state server holds a password: it stands in no message, and no server gets its variable (I10). */
import { afterAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateLocation, stateVariables } from '../../src/run/state-location.ts';
import { temporaryFolder } from '../state/calls.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

test.each(['redis://:hush#host', 'redis://u:hush:6379', 'redis://host/0?password=hush', 'redis://u:hush%zz@host', 'hush'])(
  'I10: %s is refused without its password',
  (stateDsn) => {
    let said = '';
    try {
      stateLocation({ stateDsn }, { HOME: folder.path });
    } catch (error) {
      said = String(error);
    }
    expect(said).toMatch(/--state-dsn/);
    expect(said).not.toMatch(/hush/);
  },
);

test('I10: variables that the file of an address names are hidden from servers', () => {
  const stateDsnFile = join(folder.path, 'dsn');
  writeFileSync(stateDsnFile, `redis://u:\${REDIS_WORD}@host\n`);
  expect(stateVariables({ stateDsnFile }, {})).toContain('REDIS_WORD');
});
