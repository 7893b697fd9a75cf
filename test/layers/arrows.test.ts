/** The arrows between rooms (ARCHITECTURE.md): held against the sources, against the page, and against a tree that breaks each rule once. */
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../harness/paths.ts';
import { ARROWS, wrongArrows } from './arrows.ts';

const FIXTURE = join(ROOT, 'test/fixtures/arrows/src');

test('src has no arrow that is not in the table', () => {
  expect(wrongArrows(join(ROOT, 'src'))).toEqual([]);
});

test('each room of src has a row, and each row a folder', () => {
  const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(rooms.map(({ name }) => name).sort()).toEqual(
    Object.keys(ARROWS)
      .filter((name) => !name.includes('/'))
      .sort(),
  );
  for (const name of Object.keys(ARROWS)) expect(readdirSync(join(ROOT, 'src', name)).length).toBeGreaterThan(0);
});

test('arrows lead down: the table has no cycle', () => {
  const reach = (name: string, path: readonly string[]): void => {
    expect(path).not.toContain(name);
    for (const next of ARROWS[name]?.to ?? []) if (!next.startsWith(`${name}/`) && !isWithin(name, next)) reach(next, [...path, name]);
  };
  for (const name of Object.keys(ARROWS)) reach(name, []);
});

/** A folder of a room may look at its room: `serve/bridge` at `serve`. */
function isWithin(name: string, room: string): boolean {
  return name.startsWith(`${room}/`);
}

describe('of a tree that breaks each rule once', () => {
  const found = Map.groupBy(wrongArrows(FIXTURE), (line) => line.slice(0, line.indexOf(': ')));
  const files = readdirSync(FIXTURE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  test.each(files.sort())('%s', (file) => {
    const [first = ''] = readFileSync(join(FIXTURE, file), 'utf8').split('\n');
    const [, expected = ''] = /^\/\/ expect: (.+)$/.exec(first) ?? [];
    expect(expected).not.toBe('');
    expect(found.get(file) ?? []).toEqual(expected === 'nothing' ? [] : [`${file}: ${expected}`]);
  });
});

test('ARCHITECTURE.md draws the same arrows', () => {
  const page = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const [, table = ''] = /<!-- arrows -->\n```text\n([\s\S]*?)```/.exec(page) ?? [];
  const drawn = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s*→\s*/));
  const rows = Object.entries(ARROWS).map(([name, { to }]) => [name, to.length === 0 ? 'nothing' : to.join(', ')]);
  expect(drawn).toEqual(rows);
});
