/**
 * All messages of the program against one list of rules (cli.md §1): what is wrong, where, and what to do; a small letter
 * first, no code of the system, no stack, the help on a line of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type Folder, openFolder } from '../../cli/run.ts';
import { interceptCommand, ROOT } from '../../harness/paths.ts';

/** Rules that a line breaks. */
function faultsOf(line: string): readonly string[] {
  const rules: readonly (readonly [string, boolean])[] = [
    ['a capital first', /^[A-Z][a-z]/.test(line)],
    ['a code of the system', /\bE[A-Z]{4,}\b/.test(line.replaceAll(/\$\{[^}]*\}/g, ''))],
    ['a stack', /^\s+at /.test(line)],
    ['"invalid argument"', /invalid argument|is invalid\./i.test(line)],
    ['a full stop at the end', /[^.]\.$/.test(line)],
    ['an object or undefined in it', /\[object |\bundefined\b|\bNaN\b/.test(line)],
  ];
  return rules.filter(([, isBroken]) => isBroken).map(([rule]) => rule);
}

describe('every message in the source', () => {
  const CALL =
    /new (?:UsageError|CommandError)\(\s*(?:`((?:[^`\\]|\\.)*)`|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")(?:,\s*(?:EXIT\.\w+,\s*)?(?:`((?:[^`\\]|\\.)*)`|'((?:[^'\\]|\\.)*)'))?/g;
  const found = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      [...readFileSync(join(ROOT, 'src', name), 'utf8').matchAll(CALL)].map((match) => ({ name, texts: match.slice(1).filter(Boolean) })),
    );

  test('holds to the rules, and is found', () => {
    expect(found.length).toBeGreaterThan(60);
    const wrong = found.flatMap(({ name, texts }) => texts.flatMap((text) => faultsOf(text).map((rule) => `${name}: ${rule}: ${text}`)));
    expect(wrong).toEqual([]);
  });
});

let folder: Folder;
let taken: Server;
let port = 0;

beforeAll(async () => {
  folder = openFolder();
  folder.write('p.yaml', 'version: "1"\ndefault: deny\nmethods: {"*": deny}\n');
  folder.write('broken.yaml', 'version: "1"\ndefualt: deny\n');
  writeFileSync(join(folder.path, 'bytes.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
  mkdirSync(join(folder.path, 'folder'));
  folder.write('file', 'not json');
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  port = (taken.address() as { port: number }).port;
});

afterAll(() => {
  taken.close();
  folder[Symbol.dispose]();
});

/** What is typed in the folder (P is its path), the status, and what the message says. */
const MISTAKES: readonly (readonly [string, number, RegExp])[] = [
  ['-c P/absent.yaml -- cat', 3, /absent\.yaml: does not exist/],
  ['-c P/folder -- cat', 3, /folder: is a directory/],
  ['-c P/bytes.yaml -- cat', 3, /UTF-8/],
  ['-c P/p.yaml -- P/absent-command', 1, /was not found/],
  ['-c P/p.yaml -- P/folder', 1, /folder/],
  ['-c P/p.yaml --upstream nowhere', 2, /is not a URL/],
  ['-c P/p.yaml --upstream ftp://x', 2, /is not a URL/],
  ['-c P/p.yaml --state-timeout soon -- cat', 2, /--state-timeout cannot be "soon"/],
  ['-c P/p.yaml --max-message big -- cat', 2, /--max-message cannot be "big"/],
  ['-c P/p.yaml --port 99999 --transport http -- cat', 2, /--port cannot be "99999"/],
  ['-c P/p.yaml --transport http --port TAKEN -- cat', 1, /cannot listen: port \d+ of 127\.0\.0\.1 is in use by another program/],
  ['-c P/p.yaml --transport http --token-env NOT_SET_ANYWHERE -- cat', 2, /NOT_SET_ANYWHERE is not set/],
  ['-c P/p.yaml --transport http --bind 0.0.0.0 -- cat', 2, /token/],
  ['-c P/p.yaml --state-dir P/file -- cat', 1, /file/],
  ['validate P/absent.yaml', 3, /does not exist/],
  ['validate P/p.yaml --tools P/absent.json', 1, /absent\.json: does not exist/],
  ['validate P/p.yaml --tools P/folder', 1, /folder: is a folder/],
  ['explain -c P/absent.yaml --call x', 3, /does not exist/],
  ['explain -c P/p.yaml --call x --args @P/absent', 2, /absent does not exist/],
  ['explain -c P/p.yaml --call x --args @P/folder', 2, /is a folder/],
  ['test P/absent.test.yaml', 1, /does not exist/],
  ['test P/folder', 1, /no \*\.test\.yaml below/],
  ['status -c P/absent.yaml', 3, /does not exist/],
  ['approvals show apr_none', 1, /no approval/],
  ['approvals list --state-dir P/file', 1, /file/],
  ['idempotency resolve k --happened', 1, /no idempotent call/],
  ['status --since ever', 2, /--since cannot be "ever"/],
];

/** The command itself, without input: what the proxy says goes to its own stderr. */
function run(argv: readonly string[], home: string) {
  const [file = '', ...before] = interceptCommand();
  const env = { ...process.env, INTERCEPT_HOME: home };
  const { status, stdout, stderr } = spawnSync(file, [...before, ...argv], { env, input: '', encoding: 'utf8', timeout: 30_000 });
  return { status, out: stdout, err: stderr };
}

describe('mistakes, through the command', () => {
  test.each(MISTAKES)('%s', (typed, status, expected) => {
    const argv = typed.split(' ').map((word) => word.replace(/^(@?)P\//, `$1${folder.path}/`).replace('TAKEN', String(port)));
    const { status: ended, out, err } = run(argv, join(folder.path, 'home'));
    const lines = (err === '' ? out : err).split('\n').filter((line) => line !== '');
    const text = lines.join('\n');
    expect(text).toMatch(expected);
    const faults = lines.flatMap((line) =>
      faultsOf(line.replace(/^intercept: /, '').replaceAll(folder.path, '')).map((rule) => `${rule}: ${line}`),
    );
    expect(faults).toEqual([]);
    expect(ended).toBe(status);
  });

  test('a home that cannot be made: which, why, and what to set', () => {
    const { err, status } = run(['-c', join(folder.path, 'p.yaml'), '--', 'cat'], join(folder.path, 'file', 'home'));
    expect(err).toContain('INTERCEPT_HOME');
    expect(err).not.toMatch(/\bE[A-Z]{4,}\b/);
    expect(status).toBe(1);
  });
});
