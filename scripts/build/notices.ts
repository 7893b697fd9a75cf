/** The licences of what is bundled into dist/: those packages ask that their text goes where their code goes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIST, ROOT } from './paths.ts';

/** What the bundles hold; a test compares this list with what the source imports. */
export const BUNDLED: readonly string[] = [
  '@noble/hashes',
  '@redis/client',
  'commander',
  'cookie',
  'jsonc-parser',
  're2js',
  'toml-eslint-parser',
  'yaml',
];

/** Writes dist/THIRD_PARTY_NOTICES: the bundled packages and what they need, each with its licence. */
export function writeNotices(): void {
  const notices = withDependencies(BUNDLED).map(noticeOf);
  writeFileSync(join(DIST, 'THIRD_PARTY_NOTICES'), notices.join(`\n${'-'.repeat(80)}\n`));
}

function withDependencies(names: readonly string[], found = new Set<string>()): readonly string[] {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    withDependencies(Object.keys(manifestOf(name).dependencies ?? {}), found);
  }
  return [...found].sort();
}

function noticeOf(name: string): string {
  const { version, license } = manifestOf(name);
  const folder = join(ROOT, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`package ${JSON.stringify(name)} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as Manifest;
}
