/** The parts of a page that can be held to the truth: fenced blocks, tables, links, headings. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/paths.ts';

/** Where the papers are, relative to the root. */
export const PAGES: readonly string[] = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export interface Block {
  readonly page: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: `file=policy.yaml`, `rules`. */
  readonly mark: string;
  readonly text: string;
}

/** The text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** All fenced blocks of all pages, in order. */
export function allBlocks(): readonly Block[] {
  return PAGES.flatMap(blocksOf);
}

/** The fenced blocks of a page. */
export function blocksOf(page: string): readonly Block[] {
  return fences(page, readPage(page)).blocks;
}

/** A page without its fenced blocks. */
export function proseOf(page: string): string {
  return fences(page, readPage(page)).prose;
}

function fences(page: string, text: string): { readonly blocks: readonly Block[]; readonly prose: string } {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { line: number; info: string; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (!open && !fence) prose.push(line);
    else if (!open) open = { line: index + 2, info: fence?.[1] ?? '', lines: [] };
    else if (!fence) open.lines.push(line);
    else {
      const [language = '', ...mark] = open.info.split(' ');
      blocks.push({ page, line: open.line, language, mark: mark.join(' '), text: `${open.lines.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open) throw new Error(`${page}:${open.line}: the block is not closed`);
  return { blocks, prose: prose.join('\n') };
}

/** The files that a page asks its reader to write, by name. */
export function filesOf(page: string): ReadonlyMap<string, string> {
  const named = blocksOf(page).filter(({ mark }) => mark.startsWith('file='));
  return new Map(named.map(({ mark, text }) => [mark.slice('file='.length), text]));
}

/** The cells of the table that follows `<!-- keys: name -->`, without its head. */
export function tableAfter(page: string, name: string): readonly (readonly string[])[] {
  const [, after] = readPage(page).split(`<!-- keys: ${name} -->\n`);
  if (after === undefined) throw new Error(`${page}: no table is marked "keys: ${name}"`);
  const lines = after.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

/** The names in the first column of such a table. */
export function keysAfter(page: string, name: string): readonly string[] {
  return tableAfter(page, name).map(([first = '']) => first.replace(/^`|`$/g, ''));
}

/** The anchor that GitHub gives a heading. */
export function anchorsOf(page: string): readonly string[] {
  const headings = proseOf(page).match(/^#+ .*$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
