/** The words of the code (docs/spec/house.md): what a comment begins with, and that a type's name means one thing. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/paths.ts';

/** Globals of browsers, which the console's pages have and this runtime has not. */
const OF_BROWSERS: ReadonlySet<string> = new Set(['Document', 'Element', 'History', 'Location', 'Range', 'Screen', 'Selection']);

interface Source {
  readonly path: string;
  readonly text: string;
}

/** Comments that name a thing by a question instead of saying what it does. */
function questions(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\/\*\*\s+(?:\* )?(?:What|Whether|Who|Which|Whose|How) .*/g)].map(([comment]) => `${path}: ${comment}`),
  );
}

/** Exported types whose name is taken: by another of them, or by a global, which they would hide. */
function ambiguous(sources: readonly Source[]): readonly string[] {
  const paths = new Map<string, string>();
  const found: string[] = [];
  for (const { path, text } of sources) {
    for (const [, name = ''] of text.matchAll(/^export (?:interface|type|class) (\w+)/gm)) {
      const other = name in globalThis || OF_BROWSERS.has(name) ? 'a global' : paths.get(name);
      if (other) found.push(`${name}: ${path} and ${other}`);
      paths.set(name, path);
    }
  }
  return found;
}

/** All of `src`, but for what is generated. */
const SOURCES: readonly Source[] = [...new Bun.Glob('**/*.ts').scanSync({ cwd: join(ROOT, 'src') })]
  .filter((path) => path !== 'console/built.ts')
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, 'src', path), 'utf8') }));

test('a comment says what a thing does, in a sentence', () => {
  expect(questions([{ path: 'a.ts', text: '/** What is sent. */\n/**\n * Whether it is. */\n/** Sends what came. */' }])).toHaveLength(2);
  expect(SOURCES.length).toBeGreaterThan(100);
  expect(questions(SOURCES)).toEqual([]);
});

test('the name of an exported type means one thing', () => {
  const twice = [
    { path: 'a.ts', text: 'export interface Row {}\nexport type Buffer = string;' },
    { path: 'b.ts', text: 'export type Row = string;\nexport interface Element {}' },
  ];
  expect(ambiguous(twice)).toEqual(['Buffer: a.ts and a global', 'Row: b.ts and a.ts', 'Element: b.ts and a global']);
  expect(ambiguous(SOURCES)).toEqual([]);
});
