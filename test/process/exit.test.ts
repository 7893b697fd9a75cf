import { expect, test } from 'bun:test';
import { exitStatus } from '../../src/process/exit.ts';

test.each([
  [{ code: 0, signal: null }, 0],
  [{ code: 255, signal: null }, 255],
  [{ code: null, signal: 'SIGTERM' }, 143],
  [{ code: null, signal: 'SIGKILL' }, 137],
  [{ code: null, signal: 'SIGHUP' }, 129],
  [{ code: null, signal: '35' }, 163],
  [{ code: null, signal: 'SIGUNHEARDOF' }, 137],
])('wire.md §4: %j is status %d', (exit, status) => {
  expect(exitStatus(exit)).toBe(status);
});
