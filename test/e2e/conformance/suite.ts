/** The official conformance suite: run it, read what it found, compare two runs check by check. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NODE, ROOT, temporaryFolder } from '../../harness/paths.ts';

/** One run of the suite: which release of it, at which revision, as `--suite`. */
export interface Leg {
  readonly name: string;
  readonly release: '@modelcontextprotocol/conformance' | 'conformance-next';
  readonly flags: readonly string[];
}

export const LEGS: readonly Leg[] = [
  { name: '0.1 all', release: '@modelcontextprotocol/conformance', flags: ['--suite', 'all'] },
  { name: '0.2 2025-06-18', release: 'conformance-next', flags: ['--suite', 'all', '--spec-version', '2025-06-18'] },
  { name: '0.2 2025-11-25', release: 'conformance-next', flags: ['--suite', 'all', '--spec-version', '2025-11-25'] },
  { name: '0.2 2026-07-28', release: 'conformance-next', flags: ['--suite', 'all', '--spec-version', '2026-07-28'] },
];

interface Check {
  readonly id: string;
  readonly name: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** What each scenario found, as one line per check. */
export type Found = ReadonlyMap<string, readonly string[]>;

/** Runs the suite against a server; `scenario` chooses one. */
export function runServerSuite(leg: Leg, url: string, scenario?: string): Promise<Found> {
  const chosen = scenario === undefined ? leg.flags : ['--scenario', scenario, ...leg.flags.filter((_, i) => i > 1)];
  return run(leg, ['server', '--url', url, ...chosen]);
}

/** Runs one scenario against a client's command, to which the suite adds its server's URL. */
export function runClientScenario(leg: Leg, scenario: string, command: string, env: Readonly<Record<string, string>>): Promise<Found> {
  const flags = leg.flags.filter((_, i) => i > 1);
  return run(leg, ['client', '--command', command, '--scenario', scenario, ...flags], env);
}

async function run(leg: Leg, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Found> {
  const folder = await temporaryFolder();
  try {
    const program = join(ROOT, 'node_modules', leg.release, 'dist/index.js');
    const child = spawn(NODE, [program, ...args, '-o', folder.path], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    child.stdout.on('data', (piece: Buffer) => said.push(piece.toString('utf8')));
    child.stderr.on('data', (piece: Buffer) => said.push(piece.toString('utf8')));
    await new Promise((resolve) => child.on('close', resolve));
    const found = await readFound(folder.path);
    if (found.size === 0) throw new Error(`the suite found nothing: ${said.join('').slice(-2000)}`);
    return found;
  } finally {
    await folder.remove();
  }
}

async function readFound(folder: string): Promise<Found> {
  const found = new Map<string, readonly string[]>();
  const files = await readdir(folder, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('checks.json')).sort()) {
    const scenario = file.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    const path = join(folder, file);
    if (existsSync(path)) found.set(scenario, (JSON.parse(await readFile(path, 'utf8')) as Check[]).map(lineOf));
  }
  return found;
}

/** INFO is what the suite saw on the way; how many pieces it read a stream in is not a property of the server. */
function lineOf({ id, name, status }: Check): string {
  return `${status} ${id} ${name}`;
}

/** The scenarios in which two runs differ, each with its lines on either side. */
export function differences(one: Found, other: Found): readonly string[] {
  const scenarios = [...new Set([...one.keys(), ...other.keys()])].sort();
  return scenarios.filter((scenario) => linesOf(one, scenario) !== linesOf(other, scenario));
}

/** All checks of a scenario that say something, in order. */
export function linesOf(found: Found, scenario: string): string {
  return (found.get(scenario) ?? ['not run']).filter((line) => !line.startsWith('INFO')).join('\n');
}

/** How many checks ended in which way. */
export function tally(found: Found): string {
  const lines = [...found.values()].flat();
  const count = (status: string) => lines.filter((line) => line.startsWith(status)).length;
  return `${count('SUCCESS')} passed, ${count('FAILURE')} failed, ${count('WARNING')} warned, ${count('SKIPPED')} skipped`;
}
