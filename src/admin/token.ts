/** The token of the admin API, in `<home>/admin.token`: who can read the file may use the API (cli.md §3). */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { causeOf, FaultError, remedyOf } from '../core/fault.ts';

const BYTES = 32;
const TOKEN = /^[\w-]{43,256}$/;

/** The token could not be read or made. */
export class TokenError extends FaultError {
  override readonly name = 'TokenError';
}

/** Reads the token, and makes it at first use. Of processes that start together, all get the same one. */
export function loadToken(home: string): string {
  const path = join(home, 'admin.token');
  try {
    return read(path) ?? create(home, path);
  } catch (cause) {
    if (cause instanceof TokenError) throw cause;
    const help = remedyOf(cause, path);
    throw new TokenError(`cannot read or create the admin token ${JSON.stringify(path)}: ${causeOf(cause)}`, { cause, help });
  }
}

function read(path: string): string | undefined {
  const text = readIfThere(path)?.trim();
  if (text === undefined) return undefined;
  if (!TOKEN.test(text))
    throw new TokenError(`${JSON.stringify(path)} holds no token (43 letters, digits, "-" or "_")`, { help: 'remove it to get a new one' });
  // SECURITY: a copy or an editor may have left it readable to others.
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return text;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written whole under another name first: `link` then fails for all but one, and nobody reads half a token. */
function create(home: string, path: string): string {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, `${randomBytes(BYTES).toString('base64url')}\n`, { flag: 'wx', mode: 0o600, flush: true });
    linkOnce(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  const token = read(path);
  if (token === undefined) throw new TokenError(`${JSON.stringify(path)} was removed again`, { help: 'start it again' });
  return token;
}

function linkOnce(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
