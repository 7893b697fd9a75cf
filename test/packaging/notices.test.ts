import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLED } from '../../scripts/build/notices.ts';

const ROOT = join(import.meta.dirname, '../..');

test('every package that the source imports has its licence in the bundle', () => {
  const imported = new Set<string>();
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    for (const [, name] of text.matchAll(/(?:from|import) ?\(?'([a-z@][\w@/.-]*)'/g)) {
      if (name && name !== 'node' && name !== 'bun') imported.add(/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    }
  }
  expect([...imported].sort()).toEqual([...BUNDLED].sort());
});

test('dist/ has the notices, with the packages that they need in turn', () => {
  const notices = readFileSync(join(ROOT, 'dist/THIRD_PARTY_NOTICES'), 'utf8');
  for (const name of BUNDLED) expect(notices).toContain(`\n${name} `.trimStart());
  expect(notices).toContain('Permission is hereby granted');
});
