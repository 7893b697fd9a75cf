/** setup.md §3.3: names of policies and their files. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { freeSlug, slugOf } from '../../../src/setup/init/slug.ts';

test('a slug is what stands for a name in a file name', () => {
  const cases = [
    ['GitHub', 'github'],
    ['my server (prod)', 'my-server-prod'],
    ['Übersetzer', 'ubersetzer'],
    ['../../etc/passwd', 'etc-passwd'],
    ['@scope/server', 'scope-server'],
    ['CON', 'con-server'],
    ['com1', 'com1-server'],
    ['$(rm -rf ~)', 'rm-rf'],
    ['日本', 'server'],
    ['', 'server'],
    ['a'.repeat(100), 'a'.repeat(64)],
  ] as const;
  for (const [name, slug] of cases) expect([name, slugOf(name)]).toEqual([name, slug]);
});

test('any name makes one that every file system has', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (name) => {
      const slug = slugOf(name);
      expect(slug).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
      expect(slugOf(slug)).toBe(slug);
    }),
  );
});

test('a name that is taken gets a number', () => {
  const taken = new Set(['github', 'github-2']);
  expect(freeSlug('github', (slug) => !taken.has(slug))).toBe('github-3');
  expect(freeSlug('a'.repeat(64), (slug) => slug.length === 64 && slug.endsWith('-2'))).toBe(`${'a'.repeat(62)}-2`);
});
