/** ARCHITECTURE.md against the tree: every path exists, and every invariant is cited where the page says. */
import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/paths.ts';
import { PAGES, proseOf, tableAfter } from './markdown.ts';

const PAGE = 'ARCHITECTURE.md';

for (const page of PAGES) {
  test(`the paths that ${page} names exist`, () => {
    const named = [...proseOf(page).matchAll(/`((?:src|test|docs|examples|scripts|schema|\.ci)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
}

for (const [id = '', , ...places] of tableAfter(PAGE, 'invariants')) {
  const files = places.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path));
  for (const file of files) {
    test(`${file} cites ${id}`, () => {
      expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(new RegExp(`\\b${id}\\b`));
    });
  }
}

test('ARCHITECTURE.md names every folder of the sources', () => {
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of folders) expect(proseOf(PAGE)).toContain(`(src/${name})`);
});
