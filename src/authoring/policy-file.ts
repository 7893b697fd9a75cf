/** Reading a policy file (cli.md §1): what is wrong with it is reported with its place, whatever it turns out to be. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import type { Diagnostic } from '../core/diagnostic.ts';
import { CommandError, EXIT, reasonOf } from '../core/fault.ts';
import type { Folders } from '../policy/compile/folders.ts';
import { didYouMean } from '../policy/nearest.ts';

/** Policies are prose-sized; what is larger is some other file. */
const MAX_BYTES = 1_048_576;
/** A pipe is opened without waiting for someone to write to it; systems without the flag have no such pipes. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export type PolicyText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly why: string; readonly help: string | undefined; readonly missing: boolean };

/** Reads a policy file whole. Never throws, never reads more than a policy can be. */
export function readPolicyFile(path: string): PolicyText {
  let fd: number | undefined;
  try {
    fd = openSync(path, READ);
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return unreadable('is a directory', 'name the policy file in it');
    // A pipe or device has no size: it could block the proxy, or never end.
    if (!stat.isFile()) return unreadable('is not a regular file', 'write the policy to one');
    return stat.size > MAX_BYTES ? tooLarge(stat.size) : decodePolicy(readFileSync(fd));
  } catch (error) {
    return fault(error as NodeJS.ErrnoException, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The text of a policy, or of a file that belongs to one. Throws `CommandError`. */
export function readPolicyText(path: string, status: number = EXIT.invalidPolicy): string {
  const read = readPolicyFile(path);
  if (read.kind === 'unreadable') throw new CommandError(`${path}: ${read.why}`, status, read.help);
  return read.text;
}

/** Folders of this file may begin with these (policy.md §4), read in the folder `cwd`. Whoever has no home has none. */
export function foldersOf(path: string, cwd = process.cwd()): Folders {
  return { HOME: homeFolder(), POLICY_DIR: dirname(resolve(path)), CWD: cwd };
}

function homeFolder(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/** Reads bytes as a policy's text. Never throws. */
export function decodePolicy(bytes: Uint8Array): PolicyText {
  if (bytes.length > MAX_BYTES) return tooLarge(bytes.length);
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return unreadable('is not UTF-8 text', 'save it as UTF-8');
  }
}

function tooLarge(bytes: number): PolicyText {
  return unreadable(
    `is larger than a policy can be (${bytes} bytes, at most ${MAX_BYTES})`,
    'name the policy file, or cut it in two policies',
  );
}

/** One diagnostic as people and editors read it: place, severity, message, and what to do. */
export function renderDiagnostic(file: string, { severity, message, help, position, code }: Diagnostic): string {
  const line = `${file}:${position.line}:${position.column}: ${severity === 'warning' ? 'warning: ' : ''}${message} [${code}]`;
  return help === undefined ? line : `${line}\nhelp: ${help}`;
}

function fault(error: NodeJS.ErrnoException, path: string): PolicyText {
  if (error.code === 'ENOENT') return { ...unreadable('does not exist', besides(path)), missing: true };
  if (error.code === 'EACCES') return unreadable('may not be read by this user', `see "ls -ld ${path}"; "chmod u+r ${path}" may do`);
  return unreadable(`cannot be read: it ${reasonOf(error)}`, `see "ls -ld ${path}"`);
}

function unreadable(why: string, help: string | undefined): Extract<PolicyText, { kind: 'unreadable' }> {
  return { kind: 'unreadable', why, help, missing: false };
}

/** The nearest name in the folder where a file does not exist, or the policies that are there. */
function besides(path: string): string {
  const folder = dirname(path);
  const names = listed(folder)?.filter((name) => /\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name));
  if (!names) return `its folder ${JSON.stringify(folder)} does not exist either`;
  const near = didYouMean(basename(path), names);
  if (near !== undefined || names.length === 0) return near ?? 'name the file that your policy is in';
  return `${names
    .slice(0, 3)
    .map((name) => JSON.stringify(name))
    .join(', ')} ${names.length === 1 ? 'is' : 'are'} there`;
}

function listed(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}
