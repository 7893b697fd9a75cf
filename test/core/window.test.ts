import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { renderWait, WINDOW_UNITS, type WindowUnit, windowAt } from '../../src/core/window.ts';

function iso(unit: WindowUnit, now: string): readonly [string, string] {
  const { start, end } = windowAt(unit, Date.parse(now));
  return [new Date(start).toISOString(), new Date(end).toISOString()];
}

describe('policy.md §6: windows are calendar-aligned in UTC', () => {
  test('each unit', () => {
    expect(iso('second', '2026-03-01T10:20:30.999Z')).toEqual(['2026-03-01T10:20:30.000Z', '2026-03-01T10:20:31.000Z']);
    expect(iso('minute', '2026-03-01T10:20:59.999Z')).toEqual(['2026-03-01T10:20:00.000Z', '2026-03-01T10:21:00.000Z']);
    expect(iso('hour', '2026-03-01T10:59:59Z')).toEqual(['2026-03-01T10:00:00.000Z', '2026-03-01T11:00:00.000Z']);
    expect(iso('day', '2026-03-01T23:59:59.999Z')).toEqual(['2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z']);
    expect(iso('week', '2026-03-01T12:00:00Z')).toEqual(['2026-02-23T00:00:00.000Z', '2026-03-02T00:00:00.000Z']);
    expect(iso('week', '2026-03-02T00:00:00Z')).toEqual(['2026-03-02T00:00:00.000Z', '2026-03-09T00:00:00.000Z']);
    expect(iso('month', '2024-02-29T12:00:00Z')).toEqual(['2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z']);
    expect(iso('month', '2026-12-31T23:59:59Z')).toEqual(['2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z']);
  });

  test('windows hold their instant, and meet without gap or overlap', () => {
    const instant = fc.integer({ min: Date.UTC(1960, 0), max: Date.UTC(2100, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...WINDOW_UNITS), instant, (unit, now) => {
        const { start, end } = windowAt(unit, now);
        expect(start <= now && now < end).toBe(true);
        expect(windowAt(unit, end).start).toBe(end);
        expect(windowAt(unit, start)).toEqual({ start, end });
        expect(windowAt(unit, start - 1).end).toBe(start);
      }),
      { numRuns: 500 },
    );
  });
});

describe('policy.md §6: a wait is rounded up, in the largest unit of which there are two or more', () => {
  const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
  test.each([
    [0, '1 second'],
    [1, '1 second'],
    [SECOND, '1 second'],
    [SECOND + 1, '2 seconds'],
    [41_001, '42 seconds'],
    [MINUTE, '60 seconds'],
    [2 * MINUTE - SECOND, '119 seconds'],
    [2 * MINUTE - 1, '2 minutes'],
    [2 * MINUTE + 1, '3 minutes'],
    [6 * MINUTE, '6 minutes'],
    [2 * HOUR - MINUTE, '119 minutes'],
    [2 * HOUR - 1, '2 hours'],
    [9 * HOUR, '9 hours'],
    [2 * DAY - HOUR, '47 hours'],
    [2 * DAY - 1, '2 days'],
    [2 * DAY + 1, '3 days'],
    [31 * DAY, '31 days'],
  ])('%d ms are %s', (wait, text) => {
    expect(renderWait(wait)).toBe(text);
  });
});
