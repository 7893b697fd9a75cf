/** A client's file whose entries are rewritten as init does it, for tests of writing and undoing. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planWrap } from '../../../src/setup/clients/wrap.ts';
import type { JournalEntry, RunJournal, Target } from '../../../src/setup/init/journal.ts';
import { type FilePlan, type WriteOutcome, writeTarget } from '../../../src/setup/init/write.ts';

export interface Place extends Disposable {
  readonly folder: string;
  readonly setup: string;
  /** Writes a file below the folder. */
  put(name: string, text: string): string;
  text(path: string): string;
}

/** A folder of its own, with a setup folder in it. Use with `using`. */
export function openPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-init-'));
  return {
    folder,
    setup: join(folder, 'home/setup'),
    put(name, text) {
      const path = join(folder, name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    text: (path) => readFileSync(path, 'utf8'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The file of some client. */
export function targetAt(path: string, more: Partial<Target> = {}): Target {
  return { path, clients: ['cursor'], format: 'json', ...more };
}

/** The bytes with these servers behind Intercept, and what the journal keeps of that. */
export function wrapped(bytes: Uint8Array, servers: readonly string[]): FilePlan {
  let present = bytes;
  const entries: JournalEntry[] = [];
  for (const name of servers) {
    const policy = `/p/${name}.yaml`;
    const front = { program: '/bin/intercept', before: [], policy, agent: undefined, env: {} };
    const way = planWrap({ bytes: present, format: 'json' }, { name, at: ['mcpServers', name], shape: 'plain' }, front);
    if (way.kind !== 'rewrite') throw new Error(`${name}: ${way.why}`);
    present = way.bytes;
    entries.push({ record: way.record, policy, program: ['/bin/intercept'] });
  }
  return { bytes: present, entries };
}

/** Writes the servers of a file as a run of init does. */
export function wrapServers(target: Target, servers: readonly string[], run: RunJournal): Promise<WriteOutcome> {
  return writeTarget(target, ({ bytes }) => wrapped(bytes, servers), run);
}
