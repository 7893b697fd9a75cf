/** The audit file: one JSONL file per process, each line chained to the one before by its hash (cli.md §2). */
import { AuditError, type AuditEvent, type AuditSink, type RecordedPolicy } from '../../core/audit.ts';
import type { ArgsMode } from '../args.ts';
import { hashLine, NO_LINE } from '../chain-hash.ts';
import { openPage } from '../evidence/page.ts';
import { openJsonMask } from '../known-secrets.ts';
import type { MaskOptions } from '../mask.ts';
import { renderFields } from '../record.ts';
import { type EventFile, openEventFile } from './event-file.ts';
import { openFlood } from './flood.ts';

export interface FileSinkOptions {
  readonly dir: string;
  readonly instance: string;
  readonly clock: () => number;
  readonly keyedHash: MaskOptions['keyedHash'];
  readonly args: ArgsMode;
  /** Secrets that the proxy holds: no line has one. */
  readonly secrets?: readonly string[] | undefined;
  /** A file that would become larger is followed by the next one. */
  readonly maxBytes?: number | undefined;
}

/** cli.md §2. */
const MOST_BYTES = 256 * 1024 ** 2;

/** Opens the sink that decides whether a call is recorded. Throws `AuditError`, also where the folder can not be written. */
export function openFileSink(options: FileSinkOptions): AuditSink {
  const isFlood = openFlood();
  const rendering = { args: options.args, keyedHash: options.keyedHash, known: options.secrets };
  const bare = { ...rendering, args: 'hash' } as const;
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
      const fields = mask(renderFields(event, isFlood(event, now) ? bare : rendering));
      const line = page.add(`{"ts":"${ts}","seq":${++count},"type":"${event.type}"${middles.of(event)}${last}"${fields}}`);
      last = hashLine(line);
    }
    file = appendTo(file, page.bytes(), options.maxBytes ?? MOST_BYTES);
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

/** Answers with the file that holds them. INVARIANT I3: the next one is begun before the full one is let go. */
function appendTo(file: EventFile, bytes: Uint8Array, most: number): EventFile {
  const isFull = file.size() > 0 && file.size() + bytes.length > most;
  const to = isFull ? file.next() : file;
  to.append(bytes);
  if (isFull) file.close();
  return to;
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
