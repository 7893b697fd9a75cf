/** Audit records that a command writes itself, in a file of its own, and who ran it (cli.md §2). */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { openFileSink } from '../audit/file.ts';
import { loadHashKey } from '../audit/key.ts';
import type { AuditSink } from '../core/audit.ts';

/** Opens the file, named after this run. Throws `AuditError` where it cannot be had. */
export function openOwnRecords(home: string): AuditSink {
  return openFileSink({
    dir: join(home, 'events'),
    instance: `cli-${randomBytes(4).toString('hex')}`,
    clock: Date.now,
    hashKey: loadHashKey(home),
    args: 'redacted',
  });
}

/** The operating system's name for whoever runs this; a container may have none. */
export function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
