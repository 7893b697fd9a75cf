/** The audit file: one JSONL file per process, each line chained to the one before by its hash (cli.md §2). */
import { AuditError, type AuditEvent, type AuditSink, type RecordedPolicy } from '../core/audit.ts';
import type { ArgsMode } from './args.ts';
import { hashLine, NO_LINE } from './chain-hash.ts';
import { type EventFile, openEventFile } from './event-file.ts';
import { openJsonMask } from './known-secrets.ts';
import type { MaskOptions } from './mask.ts';
import { openPage } from './page.ts';
import { renderFields } from './record.ts';

export interface FileSinkOptions {
  readonly dir: string;
  readonly instance: string;
  readonly clock: () => number;
  readonly keyedHash: MaskOptions['keyedHash'];
  readonly args: ArgsMode;
  /** Secrets that the proxy holds: no line has one. */
  readonly secrets?: readonly string[] | undefined;
}

/** Opens the sink that decides whether a call is recorded. Throws `AuditError`, also where the folder can not be written. */
export function openFileSink(options: FileSinkOptions): AuditSink {
  const rendering = { args: options.args, keyedHash: options.keyedHash, known: options.secrets };
  const middles = openMiddles(options.instance);
  const mask = openJsonMask(options.secrets ?? []);
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
      const fields = mask(renderFields(event, rendering));
      const line = page.add(`{"ts":"${ts}","seq":${++count},"type":"${event.type}"${middles.of(event)}${last}"${fields}}`);
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
    use: middles.use,
    close() {
      closed = true;
      file?.close();
      file = undefined;
    },
  };
}

/** The part of each line between its type and its link. It changes with the policy alone, and is rendered as seldom. */
function openMiddles(instance: string) {
  const render = (name: string | undefined, revision: string | undefined) =>
    `,"instance":${JSON.stringify(instance)},"policy":${JSON.stringify(name ?? null)},"revision":${JSON.stringify(revision ?? null)},"prev":"`;
  let inUse: string | undefined;
  let middle = render(undefined, inUse);
  return {
    use({ name, revision }: RecordedPolicy): void {
      inUse = revision;
      middle = render(name, revision);
    },
    /** INVARIANT I8: the policy that judged is named, also where a reload came before the record. */
    of(event: AuditEvent): string {
      const judged = event.type === 'outcome' ? undefined : event.policy;
      return judged === undefined || judged.revision === inUse ? middle : render(judged.name, judged.revision);
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
