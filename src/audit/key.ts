/** This machine's key for hashes of arguments (cli.md §2): equal arguments show, and nobody without the key can guess them. */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { AuditError } from '../core/audit.ts';
import { causeOf, remedyOf } from '../core/fault.ts';

const BYTES = 32;

/** Reads `<home>/machine.key`, and creates it at first use. Of processes that start together, all get the same key. */
export function loadHashKey(home: string): Uint8Array {
  const path = join(home, 'machine.key');
  try {
    return read(path) ?? create(home, path);
  } catch (cause) {
    if (cause instanceof AuditError) throw cause;
    const help = remedyOf(cause, path);
    throw new AuditError(`cannot read or create the key ${JSON.stringify(path)}: ${causeOf(cause)}`, { cause, help });
  }
}

/** HMACs under that key, hex. */
export function openKeyedHash(key: Uint8Array): (text: string) => string {
  const secret = createSecretKey(key);
  return (text) => createHmac('sha256', secret).update(text).digest('hex');
}

function read(path: string): Uint8Array | undefined {
  const key = readIfThere(path);
  if (key === undefined || key.length === BYTES) return key;
  throw new AuditError(`the key ${JSON.stringify(path)} has ${key.length} bytes, expected ${BYTES}`, {
    help: 'move it away to get a new one; hashes of arguments before and after then differ',
  });
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written whole under another name first: `link` then fails for all but one, and nobody reads half a key. */
function create(home: string, path: string): Uint8Array {
  fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    fs.writeFileSync(draft, randomBytes(BYTES), { flag: 'wx', mode: 0o600, flush: true });
    linkOnce(draft, path);
  } finally {
    fs.rmSync(draft, { force: true });
  }
  const key = read(path);
  if (key === undefined) throw new Error('it was removed again');
  return key;
}

function linkOnce(draft: string, path: string): void {
  try {
    fs.linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
