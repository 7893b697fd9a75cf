/** The audit file: one JSONL file per process, each line chained to the one before by its hash (cli.md §2). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { AuditError, type AuditEvent, type AuditSink, type CallEvent, type PlainEvent } from '../../core/audit.ts';
import { causeOf, remedyOf } from '../../core/fault.ts';
import { NO_LINE, openPage, type Page } from '../chain.ts';
import { type MaskOptions, openJsonMask } from '../mask.ts';
import { type ArgsMode, type RecordOptions, renderFields } from '../record.ts';

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

interface State {
  readonly options: FileSinkOptions;
  readonly rendering: RecordOptions;
  /** For denials that come too fast. */
  readonly bare: RecordOptions;
  readonly mask: ((json: string) => string) | undefined;
  readonly isFlood: (event: AuditEvent, now: number) => boolean;
  readonly page: Page;
  /** The revision of the policy in use, and how lines name it. */
  inUse: string | undefined;
  middle: string;
  file: EventFile | undefined;
  closed: boolean;
  seq: number;
  prev: string;
}

/** Opens the sink that decides whether a call is recorded. Throws `AuditError`, also where the folder cannot be written. */
export function openFileSink(options: FileSinkOptions): AuditSink {
  const { dir, instance, secrets = [] } = options;
  const rendering = { args: options.args, keyedHash: options.keyedHash, known: secrets };
  const state: State = {
    options,
    rendering,
    bare: { ...rendering, args: 'hash' },
    mask: secrets.length === 0 ? undefined : openJsonMask(secrets),
    isFlood: openFlood(),
    page: openPage(),
    inUse: undefined,
    middle: renderMiddle(instance, undefined, undefined),
    file: undefined,
    closed: false,
    seq: 0,
    prev: NO_LINE,
  };
  attempt(state, [], attach);
  return {
    write(events) {
      if (state.closed) throw new AuditError(`the audit file in ${JSON.stringify(dir)} is closed`);
      if (events.length > 0) attempt(state, events, append);
    },
    use({ name, revision }) {
      state.inUse = revision;
      state.middle = renderMiddle(instance, name, revision);
    },
    close() {
      state.closed = true;
      state.file?.close();
      state.file = undefined;
    },
  };
}

function attempt(
  state: State,
  events: readonly AuditEvent[],
  step: (state: State, events: readonly AuditEvent[], now: number) => void,
): void {
  try {
    step(state, events, state.options.clock());
  } catch (cause) {
    const { dir } = state.options;
    throw new AuditError(`cannot write an audit record in ${JSON.stringify(dir)}: ${causeOf(cause)}`, {
      cause,
      help: remedyOf(cause, dir),
    });
  }
}

function append(state: State, events: readonly AuditEvent[], now: number): void {
  const current = attach(state, events, now);
  const { page, mask, inUse, middle } = state;
  const ts = new Date(now).toISOString();
  let { seq, prev } = state;
  page.clear();
  for (const event of events) {
    const isOutcome = event.type === 'outcome';
    const fields = renderFields(event, !isOutcome && isRefusal(event) && state.isFlood(event, now) ? state.bare : state.rendering);
    // INVARIANT I8: the policy that judged is named, also where a reload came before the record.
    const judged = isOutcome ? undefined : event.policy;
    const own =
      judged === undefined || judged.revision === inUse ? middle : renderMiddle(state.options.instance, judged.name, judged.revision);
    prev = page.add(`{"ts":"${ts}","seq":${++seq},"type":"${event.type}"${own}${prev}"${mask ? mask(fields) : fields}}`);
  }
  const bytes = page.bytes();
  const size = current.size();
  const isFull = size > 0 && size + bytes.length > (state.options.maxBytes ?? MOST_BYTES);
  const to = isFull ? current.next() : current;
  to.append(bytes);
  // INVARIANT I3: the next file is begun before the full one is let go; number and chain move on only when every byte is written.
  if (isFull) current.close();
  state.file = to;
  state.seq = seq;
  state.prev = prev;
}

/**
 * Answers with the file to write to. One that was deleted, or whose torn tail could not be cut off, is followed by a
 * new one. An outcome decides nothing: only what lets a call pass asks first whether anyone will find its record.
 */
function attach(state: State, events: readonly AuditEvent[], now: number): EventFile {
  let decides = false;
  for (const { type } of events) decides ||= type !== 'outcome';
  if (state.file && (!decides || state.file.attached())) return state.file;
  state.file?.close();
  state.file = undefined;
  const next = openEventFile(state.options.dir, state.options.instance, now);
  state.prev = NO_LINE;
  state.file = next;
  return next;
}

/** The part of each line between its type and its chain hash. It changes with the policy alone, and is rendered as seldom. */
function renderMiddle(instance: string, name: string | undefined, revision: string | undefined): string {
  return `,"instance":${JSON.stringify(instance)},"policy":${JSON.stringify(name ?? null)},"revision":${JSON.stringify(revision ?? null)},"prev":"`;
}

/** The files that one process appends whole lines to, one after the other. */
interface EventFile {
  /** Writes all of the bytes or throws; what was written of them is taken back, or the file is given up. */
  append(bytes: Uint8Array): void;
  /** Answers whether the file still stands in a folder and ends with a whole line; one that has no line yet may not stand there. */
  attached(): boolean;
  /** Bytes that were written to it. */
  size(): number;
  /** A file with the next number in its name, to go on in. This one stays open. */
  next(): EventFile;
  close(): void;
}

const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = fs.constants;

/**
 * Opens a file of its own in `dir`, readable by its owner only; names sort by time. It is made with its first line: a command
 * that fails before it leaves none. Throws where the folder cannot be had or written to.
 */
function openEventFile(dir: string, instance: string, now: number): EventFile {
  prepareFolder(dir);
  fs.accessSync(dir, fs.constants.W_OK | fs.constants.X_OK);
  const time = new Date(now).toISOString().replaceAll(':', '-');
  return eventFile(dir, `${time}-${instance.replace(/[^\w.-]/g, '_').slice(0, 100)}`, 0);
}

function eventFile(dir: string, name: string, from: number): EventFile {
  let file: Created | undefined;
  let size = 0;
  let whole = true;

  function create(): Created {
    prepareFolder(dir);
    file = createFile(dir, name, from);
    return file;
  }

  /** A file of which nothing is left is none: a full disk would gather them. */
  function takeBack({ fd, path }: Created): void {
    try {
      fs.ftruncateSync(fd, size);
      if (size > 0) return;
      file = undefined;
      fs.closeSync(fd);
      fs.rmSync(path, { force: true });
    } catch {
      whole = false;
    }
  }

  return {
    append(bytes) {
      const to = file ?? create();
      try {
        for (let written = 0; written < bytes.length; ) {
          const count = fs.writeSync(to.fd, bytes, written, bytes.length - written);
          if (count === 0) throw new Error('the file takes no more bytes');
          written += count;
        }
      } catch (error) {
        takeBack(to);
        throw error;
      }
      size += bytes.length;
    },
    // A process may go on writing to a deleted file, and nobody would ever read it.
    // Asked before every write, so by the cheapest call there is: a stat builds an object with four dates.
    attached: () => whole && (file === undefined || fs.existsSync(file.path)),
    size: () => size,
    next: () => eventFile(dir, name, (file?.number ?? from) + 1),
    close() {
      try {
        if (file) fs.closeSync(file.fd);
      } catch {
        // All that was acknowledged is written; there is nothing left to lose.
      }
    },
  };
}

interface Created {
  readonly fd: number;
  readonly path: string;
  readonly number: number;
}

const ATTEMPTS = 100;

/** Where a number is taken, the next one is. */
function createFile(dir: string, name: string, from: number): Created {
  for (let number = from; ; number++) {
    const path = join(dir, `${name}${number === 0 ? '' : `.${number}`}.jsonl`);
    try {
      return { fd: fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600), path, number };
    } catch (error) {
      if (number - from === ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** SECURITY: arguments are other people's data; a folder that stood already may be open to all. */
function prepareFolder(dir: string): void {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  if ((fs.statSync(dir).mode & 0o077) !== 0) fs.chmodSync(dir, 0o700);
}

const MINUTE = 60_000;
/** Denied and refused records a minute that hold their arguments: of one agent key, and of all keys of one name, which can be invented. */
const MOST_OF_KEY = 100;
const MOST_OF_NAME = 500;
/** INVARIANT I11: keys and names that are counted apart; beyond them all are one. */
const MOST_COUNTED = 1_000;
const OTHERS = '\0others';

/**
 * Opens a count of denials that come too fast to be kept in full (cli.md §2): an agent must not fill the disk with what
 * it may not do. Answers whether this denied or refused record comes after so many others that it is written without
 * arguments.
 */
function openFlood(): (event: AuditEvent, now: number) => boolean {
  const counts = new Map<string, number>();
  let minute = 0;

  function count(key: string): number {
    const known = counts.has(key) || counts.size < MOST_COUNTED ? key : OTHERS;
    const next = (counts.get(known) ?? 0) + 1;
    counts.set(known, next);
    return next;
  }

  return (event, now) => {
    if (Math.abs(now - minute) >= MINUTE) {
      counts.clear();
      minute = now;
    }
    const { agent, agentKey = '' } = event.type === 'tool_call' ? (event as CallEvent) : NOBODY;
    const ofName = count(`name ${agent ?? ''}`);
    return count(`key ${agentKey}`) > MOST_OF_KEY || ofName > MOST_OF_NAME;
  };
}

const NOBODY: Pick<CallEvent, 'agent' | 'agentKey'> = {};

function isRefusal(event: AuditEvent): boolean {
  if (event.type === 'tool_call') return (event as CallEvent).result === 'denied';
  return event.type === 'refused' || (event.type === 'request' && (event as PlainEvent).fields.result === 'denied');
}
