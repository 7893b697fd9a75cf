/** What a recording server has written down, read while it writes: a line that is not whole yet waits for its rest. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../harness/recorder/config.ts';
import type { Recorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';

export interface Ledger {
  /** Everything since the last `take`. */
  take(): Entry[];
  /** Waits until the harmless call of this number was executed; takes nothing. */
  untilFence(number: number): Promise<void>;
  /** Waits until `enough` of what `take` would give; takes nothing. */
  untilEntries(what: string, enough: (entries: readonly Entry[]) => boolean): Promise<void>;
}

/** The harmless call of this number, which follows an attack: once the server executed it, what came before has arrived. */
export function fence(number: number): object {
  return { name: 'safe', arguments: { amount: 1, fence: number } };
}

/** The same where no call is allowed: the parameters of a `ping`. */
export function pingFence(number: number): object {
  return { _meta: { fence: number } };
}

/** Whether an entry is of a harmless call of ours, or of the one with this number. */
export function isFence(entry: Entry, number?: number): boolean {
  const found = /"fence":(\d+)/.exec(entry.line)?.[1];
  return number === undefined ? found !== undefined : found === String(number) && entry.type !== 'received';
}

/** Follows a recorder's ledger from its beginning. */
export function openLedger(recorder: Recorder): Ledger {
  const file = join(recorder.folder, 'ledger.jsonl');
  const untaken: Entry[] = [];
  let [offset, rest] = [0, Buffer.alloc(0)];
  const read = () => {
    if (!existsSync(file)) return;
    const fd = openSync(file, 'r');
    const bytes = Buffer.alloc(fstatSync(fd).size - offset);
    const length = readSync(fd, bytes, 0, bytes.length, offset);
    closeSync(fd);
    offset += length;
    rest = Buffer.concat([rest, bytes.subarray(0, length)]);
    const end = rest.lastIndexOf('\n') + 1;
    const lines = rest.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
    rest = rest.subarray(end);
    untaken.push(...lines.map((line) => JSON.parse(line) as Entry));
  };
  const untilEntries: Ledger['untilEntries'] = async (what, enough) => {
    await until(what, () => {
      read();
      return enough(untaken) || undefined;
    });
  };
  return {
    take: () => {
      read();
      return untaken.splice(0);
    },
    untilFence: (number) =>
      untilEntries(`the server to execute fence ${number}`, (entries) => entries.some((entry) => isFence(entry, number))),
    untilEntries,
  };
}
