/** Each reference to a section of the specification (`policy.md §6`, `wire.md §2.13`, a bare `§6` of the policy) is one that exists. */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/paths.ts';

const SPEC = 'docs/spec';
const FOLDERS = ['src', 'test', 'bench', 'scripts', 'examples', 'docs'];
const REFERENCE = /(?:\b([a-z]+)\.md |\b(RFC \d+|HTML standard|SEP-\d+),? )?§(\d+(?:\.\d+)*)/g;

/** The sections of a page: `2` for a heading, `2.3` for the third item of a numbered list below it. */
function sectionsOf(page: string): ReadonlySet<string> {
  const sections = new Set<string>();
  let heading = '';
  for (const line of readFileSync(join(ROOT, SPEC, page), 'utf8').split('\n')) {
    heading = /^#+ (\d+)\. /.exec(line)?.[1] ?? heading;
    if (heading !== '') sections.add(heading);
    const item = /^(\d+)\. /.exec(line)?.[1];
    if (item !== undefined && heading !== '') sections.add(`${heading}.${item}`);
    const subsection = /^#+ (\d+\.\d+)\.? /.exec(line)?.[1];
    if (subsection !== undefined) sections.add(subsection);
  }
  return sections;
}

const pages = new Map(readdirSync(join(ROOT, SPEC)).map((page) => [page.replace(/\.md$/, ''), sectionsOf(page)]));

interface Reference {
  readonly place: string;
  readonly page: string;
  readonly section: string;
}

function referencesIn(file: string): readonly Reference[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const own = file.startsWith(SPEC) ? file.slice(SPEC.length + 1, -3) : /\b(mcp|wire)\//.test(file) ? 'wire' : 'policy';
  return text.split('\n').flatMap((line, index) => {
    // A bare section is of the page that was named before it in the line, else of the folder's own.
    let last = own;
    return [...line.matchAll(REFERENCE)].flatMap(([, page, other, section = '']) => {
      last = page ?? other ?? last;
      return /^(RFC|HTML|SEP)/.test(last) ? [] : [{ place: `${file}:${index + 1}`, page: last, section }];
    });
  });
}

const files = [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|md|yaml)$/.test(file))
      .map((file) => join(folder, file)),
  ),
];

test('every § leads to a section of the specification', () => {
  const references = files.flatMap(referencesIn);
  expect(references.length).toBeGreaterThan(500);
  const lost = references.filter(({ page, section }) => !pages.get(page)?.has(section));
  expect(lost.map(({ place, page, section }) => `${place}: ${page}.md §${section}`)).toEqual([]);
});

test('a section that does not exist is found to be missing', () => {
  expect(pages.get('policy')?.has('99')).toBe(false);
  expect(pages.get('wire')?.has('2.13')).toBe(true);
  expect(pages.get('wire')?.has('2.15')).toBe(false);
});
