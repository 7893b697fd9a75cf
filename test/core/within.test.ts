import { describe, expect, test } from 'bun:test';
import { isWithin } from '../../src/core/within.ts';

const INSIDE = ['/app/src', '/app/src/', '/app/src/a', '/app/src/./a', '/app//src/a', '/app/x/../src/a', '/app/src/a/../b', '/app/src/..a'];
const OUTSIDE = ['/', '/app', '/app/srcx', '/app/src/..', '/app/src/../../etc/passwd', '/etc', '/APP/src', '/app/src/../src2/a'];
const UNKNOWN = [
  '',
  'a',
  './a',
  '../app/src',
  'app/src',
  '~/app/src',
  '~',
  '/app/src/%2e%2e/x',
  '/app/src/\0',
  'file:///app/src/a',
  'FILE:/app/src',
  '//app/src',
  '\\\\host\\share',
  '/\\app\\src',
];

describe('policy.md §4: within', () => {
  for (const path of INSIDE) test(`${path} lies in /app/src`, () => expect(isWithin(path, ['/app/src'])).toBe(true));
  for (const path of OUTSIDE) test(`${path} does not`, () => expect(isWithin(path, ['/app/src'])).toBe(false));
  for (const path of UNKNOWN) test(`${JSON.stringify(path)} is unknown`, () => expect(isWithin(path, ['/app/src'])).toBeUndefined());

  test('a back-slash decides only where both readings agree', () => {
    expect(isWithin('/app/src/a\\b', ['/app/src'])).toBe(true);
    expect(isWithin('/app/src/..\\..\\..\\etc', ['/app/src'])).toBeUndefined();
    expect(isWithin('/etc\\x', ['/app/src'])).toBe(false);
  });

  test('drives', () => {
    expect(isWithin('C:\\jobs\\a', ['C:\\jobs'])).toBe(true);
    expect(isWithin('C:/jobs/../../x', ['C:/jobs'])).toBe(false);
    expect(isWithin('D:\\jobs', ['C:\\jobs'])).toBe(false);
    expect(isWithin('C:jobs', ['C:\\jobs'])).toBeUndefined();
  });

  test('any of several folders, and the root', () => {
    expect(isWithin('/b/x', ['/a', '/b/'])).toBe(true);
    expect(isWithin('/anything', ['/'])).toBe(true);
  });
});
