import { expect, test } from 'bun:test';
import { createLog, type LogLevel, withoutRepeats } from '../../src/audit/sinks/log.ts';

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

test('a warning that quotes something comes for each quote, up to a bound', () => {
  const seen: string[] = [];
  let now = 0;
  const log = withoutRepeats(createLog('info', { write: (line) => seen.push(line) }), () => now);
  for (let count = 0; count < 40; count++) log.warn('dropped', `line ${count}`);
  expect(seen.length).toBe(16);
  expect(seen[15]).toContain('line 15');
  now = 30_000;
  log.warn('dropped', 'late');
  expect(seen[16]).toContain('(24 times more since)');
});

test('the same warning comes once in half a minute, and then says how often it was left out', () => {
  const seen: string[] = [];
  let now = 0;
  const log = withoutRepeats(createLog('info', { write: (line) => seen.push(line) }), () => now);
  for (let count = 0; count < 5; count++) log.warn('the server refuses connections');
  log.info('again');
  log.info('again');
  log.warn('another');
  now = 30_000;
  log.warn('the server refuses connections');
  expect(seen).toEqual([
    '[INTERCEPT] WARN the server refuses connections',
    '[INTERCEPT] INFO again',
    '[INTERCEPT] INFO again',
    '[INTERCEPT] WARN another',
    '[INTERCEPT] WARN the server refuses connections (4 times more since)',
  ]);
});

test('C12: what a peer wrote is masked before it is cut, quoted and escaped', () => {
  const seen: string[] = [];
  const log = createLog('info', { write: (line) => seen.push(line) }, false, (text) => text.replaceAll('known-secret', '[redacted]'));
  const secret = `sk_live_${'a1B2c3D4'.repeat(4)}`;
  log.warn('dropped', `\u001b[2J\r\u202e key ${secret} and known-secret`);
  log.warn('dropped', `${'x '.repeat(55)}${secret}`);
  log.warn('dropped', 'y'.repeat(121));
  log.warn('dropped', '');
  expect(seen.join('')).not.toContain('sk_live_');
  expect(seen).toEqual([
    '[INTERCEPT] WARN dropped: "\\u001b[2J\\r\\u202e key [redacted] and [redacted]"',
    `[INTERCEPT] WARN dropped: "${'x '.repeat(55)}[redacted]"`,
    `[INTERCEPT] WARN dropped: "${'y'.repeat(120)}"…`,
    '[INTERCEPT] WARN dropped: ""',
  ]);
});
