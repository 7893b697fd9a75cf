/** Audit records that a command writes itself, in a file of its own (cli.md §2). */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadHashKey, openKeyedHash } from '../audit/key.ts';
import { openFileSink } from '../audit/sinks/file.ts';
import type { AuditSink } from '../core/audit.ts';
import { dropExposed, keyIn } from './own-folders.ts';

/** Opens the file, named after this run. Throws `AuditError` where it cannot be had. */
export function openOwnRecords(
  home: string,
  terminal: { readonly env: Readonly<Record<string, string | undefined>>; err(text: string): void },
): AuditSink {
  dropExposed('key', keyIn(home), terminal.env, (text) => terminal.err(`[INTERCEPT] WARN ${text}`));
  return openFileSink({
    dir: join(home, 'events'),
    instance: `cli-${randomBytes(4).toString('hex')}`,
    clock: Date.now,
    keyedHash: openKeyedHash(loadHashKey(home)),
    args: 'redacted',
  });
}
