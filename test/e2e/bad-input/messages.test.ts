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
import { errorsMade, faultsOf, type MadeError } from './rules.ts';

/** Errors that the program ends with, or says on stderr while it runs. */
const KINDS = ['UsageError', 'CommandError', 'StoreError', 'AuditError', 'StartError', 'AdminError', 'TokenError'];

/** Errors after which nobody can do anything but read them: a bug, an end that was asked for, or advice that stands before. */
const NOTHING_TO_DO: readonly RegExp[] = [
  /^`the store judged /,
  // Read as why a call is denied, while the line on the store that is lost says what happens next.
  /^`the store took more /,
  /^'the pause could not be read'$/,
  // Written elsewhere, and tried below.
  /^text\.replace/,
  /is closed`$/,
  /^`a draw /,
  /^'the store is closed'$/,
  /^`the clock says /,
  /^refusal$/,
];

describe('every message in the source', () => {
  const found = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => errorsMade(name, readFileSync(join(ROOT, 'src', name), 'utf8'), KINDS));

  test('holds to the rules, and is found', () => {
    expect(found.length).toBeGreaterThan(100);
    const texts = found.flatMap(({ file, message, rest }) => [message, rest].map((text) => ({ file, text })));
    const wrong = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'/g)].flatMap(([quoted]) =>
        faultsOf(quoted.slice(1, -1)).map((rule) => `${file}: ${rule}: ${quoted}`),
      ),
    );
    expect(wrong).toEqual([]);
  });

  test('says what to do, where something can be done', () => {
    // A store's error is read inside other lines, too, and keeps its advice to itself.
    const advises = (message: string) => /; (use|put|set|start|restart|move) /.test(message);
    const hasHelp = ({ kind, message, rest }: MadeError) =>
      kind === 'UsageError'
        ? rest !== ''
        : kind === 'CommandError'
          ? rest.includes(', ') || !rest.startsWith('EXIT.')
          : /\bhelp\b/.test(rest) || (kind === 'StoreError' && advises(message));
    // What a state server answers while it runs is read as the reason why calls are denied, too.
    const isOfServer = ({ file, kind }: MadeError) => kind === 'StoreError' && file.startsWith(join('state', 'redis'));
    const silent = found.filter((made) => !hasHelp(made) && !isOfServer(made) && !NOTHING_TO_DO.some((known) => known.test(made.message)));
    expect(silent.map(({ file, kind, message }) => `${file}: ${kind}: ${message}`)).toEqual([]);
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
