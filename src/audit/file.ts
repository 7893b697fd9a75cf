/** The audit file: one JSONL file per process, each line chained to the one before by its hash (cli.md §2). */
import { createHmac, createSecretKey } from 'node:crypto';
import { AuditError, type AuditEvent, type AuditSink } from '../core/audit.ts';
import type { ArgsMode } from './args.ts';
import { hashLine, NO_LINE } from './chain-hash.ts';
import { type EventFile, openEventFile } from './event-file.ts';
import { openPage } from './page.ts';
import { renderFields } from './record.ts';

export interface FileSinkOptions {
  readonly dir: string;
  readonly instance: string;
  readonly clock: () => number;
  readonly hashKey: Uint8Array;
  readonly args: ArgsMode;
}

/** Opens the sink that decides whether a call is recorded. Throws `AuditError`, also where the folder can not be written. */
export function openFileSink(options: FileSinkOptions): AuditSink {
  const key = createSecretKey(options.hashKey);
  const rendering = { args: options.args, keyedHash: (text: string) => createHmac('sha256', key).update(text).digest('hex') };
  const instance = JSON.stringify(options.instance);
  let middle = `,"instance":${instance},"policy":null,"revision":null,"prev":"`;
  let file: EventFile | undefined = attempt(options, () => openEventFile(options));
  let closed = false;
  let seq = 0;
  let prev = NO_LINE;
  const page = openPage();

  function append(events: readonly AuditEvent[]): void {
    const now = options.clock();
    // An outcome decides nothing: only what lets a call pass asks first whether anyone will find its record.
    if (!file || events.some(({ type }) => type !== 'outcome')) file = attached(file, now);
    const ts = new Date(now).toISOString();
    let last = prev;
    let count = seq;
    page.clear();
    for (const event of events) {
      const line = page.add(`{"ts":"${ts}","seq":${++count},"type":"${event.type}"${middle}${last}"${renderFields(event, rendering)}}`);
      last = hashLine(line);
    }
    file.append(page.bytes());
    // INVARIANT I3: number and chain move on only when every byte is written.
    seq = count;
    prev = last;
  }

  /** A file that was deleted, or whose torn tail could not be cut off, is followed by a new one. */
  function attached(current: EventFile | undefined, now: number): EventFile {
    if (current?.attached()) return current;
    current?.close();
    file = undefined;
    const next = openEventFile({ ...options, clock: () => now });
    prev = NO_LINE;
    return next;
  }

  return {
    write(events) {
      if (closed) throw new AuditError(`the audit file in ${JSON.stringify(options.dir)} is closed`);
      if (events.length > 0) attempt(options, () => append(events));
    },
    use(policy) {
      middle = `,"instance":${instance},"policy":${JSON.stringify(policy.name ?? null)},"revision":${JSON.stringify(policy.revision)},"prev":"`;
    },
    close() {
      closed = true;
      file?.close();
      file = undefined;
    },
  };
}

function attempt<T>(options: FileSinkOptions, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuditError(`cannot write an audit record in ${JSON.stringify(options.dir)}: ${why}`, { cause });
  }
}
