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
  return `${name} ${version} (${license})\n\n${licenceOf(name).trim()}\n`;
}

/** Packages that come without the file, under the MIT licence; the line is that of their repository. */
const HOLDERS: Readonly<Record<string, string>> = { '@redis/client': 'Copyright (c) 2022-2025, Redis, inc.' };
/** A package with the same terms in its file. */
const MIT = 'commander';

function licenceOf(name: string): string {
  const folder = join(ROOT, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file) return readFileSync(join(folder, file), 'utf8');
  const holder = HOLDERS[name];
  if (holder === undefined || manifestOf(name).license !== 'MIT') throw new Error(`package ${JSON.stringify(name)} has no licence file`);
  const terms = licenceOf(MIT);
  return `MIT License\n\n${holder}\n\n${terms.slice(terms.indexOf('Permission is hereby granted'))}`;
}

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as Manifest;
}
