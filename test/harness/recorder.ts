/** The recording server from a test's side: start it with a configuration, read what it received and executed. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUN, temporaryFolder } from './paths.ts';
import type { Entry, RecorderConfig } from './recorder/config.ts';
import { until } from './wait.ts';

export type Executed = Extract<Entry, { readonly type: 'executed' }>;

export interface Recorder {
  /** A folder for the test's own files (`await_file`, …), removed with the recorder. */
  readonly folder: string;
  /** The command that starts it, for the proxy or directly. */
  readonly command: readonly string[];
  /** The command that starts it over HTTP; it prints its URL. */
  readonly httpCommand: readonly string[];
  ledger(): Promise<Entry[]>;
  /** The calls that it executed, in order. */
  executed(): Promise<Executed[]>;
  /** Waits until it executed `count` calls. */
  untilExecuted(count: number): Promise<Executed[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Writes the configuration and hands out the command. Use with `await using`. */
export async function setUpRecorder(config: Omit<RecorderConfig, 'ledger'> = {}): Promise<Recorder> {
  const { path: folder, remove } = await temporaryFolder();
  const file = join(folder, 'recorder.json');
  const ledgerFile = join(folder, 'ledger.jsonl');
  await writeFile(file, JSON.stringify({ ...config, ledger: ledgerFile } satisfies RecorderConfig));
  const ledger = async () => (existsSync(ledgerFile) ? parseLines(await readFile(ledgerFile, 'utf8')) : []);
  const executed = async () => (await ledger()).filter((entry) => entry.type === 'executed');
  return {
    folder,
    command: [BUN, join(import.meta.dirname, 'recorder/server.ts'), file],
    httpCommand: [BUN, join(import.meta.dirname, 'recorder/http.ts'), file],
    ledger,
    executed,
    untilExecuted: (count) =>
      until(`${count} executed calls`, async () => {
        const calls = await executed();
        return calls.length >= count ? calls : undefined;
      }),
    [Symbol.asyncDispose]: remove,
  };
}

function parseLines(text: string): Entry[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Entry);
}
