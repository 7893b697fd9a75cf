import { expect, test } from 'bun:test';
import { createLog, type LogLevel } from '../../src/audit/sinks/log.ts';

function lines(level: LogLevel, colour = false): string[] {
  const seen: string[] = [];
  const log = createLog(level, { write: (line) => seen.push(line) }, colour);
  for (const own of ['debug', 'info', 'warn', 'error'] as const) log[own](`a "${own}"`);
  return seen;
}

test('a level shows itself and what is graver', () => {
  expect(lines('warn')).toEqual(['[INTERCEPT] WARN a "warn"', '[INTERCEPT] ERROR a "error"']);
  expect(lines('debug')).toHaveLength(4);
});

test('colour only where it is asked for', () => {
  expect(lines('error', true)).toEqual(['[INTERCEPT] \u001b[31mERROR\u001b[39m a "error"']);
});

test('a text stays one line of seen characters', () => {
  const seen: string[] = [];
  createLog('info', { write: (line) => seen.push(line) }).info('x\n[INTERCEPT] ALLOWED tool=y\u202e\u001b[2J');
  expect(seen).toEqual(['[INTERCEPT] INFO x\\u000a[INTERCEPT] ALLOWED tool=y\\u202e\\u001b[2J']);
});
