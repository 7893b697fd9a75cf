/** Every relative link leads somewhere. */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT } from '../harness/paths.ts';
import { anchorsOf, PAGES, proseOf } from './markdown.ts';

for (const page of PAGES) {
  test(`the links of ${page} resolve`, () => {
    const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const dead = links.filter((link) => !/^https?:/.test(link) && !resolves(page, link));
    expect(dead).toEqual([]);
  });
}

function resolves(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(target).includes(anchor);
}
