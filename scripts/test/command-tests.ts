/** Which tests start the command itself: found by their imports, so that none is forgotten. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** All test files under a folder: those that reach the harness's `interceptCommand`, by whatever way, and the others. */
export function testFiles(folder: string): { readonly starting: readonly string[]; readonly others: readonly string[] } {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
  const tests = files.map((file) => join(folder, file)).sort();
  const starting = new Set(tests.filter((file) => reaches(file, new Set())));
  return { starting: [...starting], others: tests.filter((file) => !starting.has(file)) };
}

function reaches(file: string, seen: Set<string>): boolean {
  if (seen.has(file)) return false;
  seen.add(file);
  // An import that stands in a text of the test may lead nowhere.
  if (!existsSync(file)) return false;
  const text = readFileSync(file, 'utf8');
  if (/import [^;]*\binterceptCommand\b/.test(text)) return true;
  return importsOf(text).some((path) => path.endsWith('.ts') && !path.includes('/src/') && reaches(join(dirname(file), path), seen));
}

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/\bfrom '(\.[^']+)'/g)].map(([, path = '']) => path);
}
