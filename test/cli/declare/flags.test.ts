import { describe, expect, test } from 'bun:test';
import { parseDurationFlag, parsePercentFlag, parseSizeFlag } from '../../../src/cli/declare/flags.ts';

describe('cli.md §1: values of flags', () => {
  test('durations', () => {
    expect(['250ms', '30s', '10m', '2h', '30d', '1h30m', '0'].map(parseDurationFlag)).toEqual([
      250, 30_000, 600_000, 7_200_000, 2_592_000_000, 5_400_000, 0,
    ]);
    for (const text of ['', '30', '-1s', '1.5s', '30 s', '1w', 's', '9999999d']) expect(() => parseDurationFlag(text)).toThrow();
  });

  test('sizes', () => {
    expect(['10MiB', '10485760', '512KiB', '1kB', '7B'].map(parseSizeFlag)).toEqual([10_485_760, 10_485_760, 524_288, 1_000, 7]);
    for (const text of ['', '0', '-1', '1.5MiB', '10 MiB', '10mb', 'MiB', '99999999999GiB']) expect(() => parseSizeFlag(text)).toThrow();
  });

  test('percentages', () => {
    expect(['0', '90', '99.5', '100'].map(parsePercentFlag)).toEqual([0, 90, 99.5, 100]);
    for (const text of ['', '101', '-1', '90%', 'NaN']) expect(() => parsePercentFlag(text)).toThrow();
  });
});
