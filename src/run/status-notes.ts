/** Collects what the records say of instances: their policy file and addresses, and a policy on disk that is not in force. */
import { basename } from 'node:path';
import { listEventFiles, placeOf, readFirst, type StoredRecord } from '../audit/evidence/read.ts';
import type { Instance } from '../core/store.ts';

/** Where an instance is reached, and what it was started with. */
export interface Start {
  readonly config: string | undefined;
  /** The folder that it was started in. */
  readonly cwd: string | undefined;
  readonly listens: string | undefined;
  readonly page: string | undefined;
}

export type Notes = ReturnType<typeof openNotes>;

/** Notes of records as they come; what was recorded before them is looked up where a file begins. */
export function openNotes(folder: string) {
  const starts = new Map<string, Start>();
  const rejected = new Map<string, string | undefined>();
  return {
    note(event: StoredRecord): void {
      const instance = String(event.instance);
      if (event.type === 'startup') starts.set(instance, startOf(event));
      if (event.type === 'heartbeat') rejected.set(instance, textIn(event.not_in_force));
      if (event.type === 'config_reload') rejected.set(instance, event.accepted === true ? undefined : String(event.why));
    },
    startOf: (id: string) => starts.get(id),
    /** An instance may have started before the first record that counts. */
    async lookUp(instances: readonly Instance[]): Promise<void> {
      const missing = instances.filter(({ id }) => !starts.has(id));
      if (missing.length === 0) return;
      const files = await listEventFiles(folder);
      for (const { id } of missing) {
        const file = files.find((path) => placeOf(basename(path)).start.endsWith(`-${id}`) && placeOf(basename(path)).number === 0);
        const first = file === undefined ? undefined : await readFirst(file);
        if (first) starts.set(id, startOf(first));
      }
    },
    notInForce: (instances: readonly Instance[]) =>
      instances.flatMap(({ id, pid, policy }) => {
        const why = rejected.get(id);
        return why === undefined ? [] : [{ instance: id, pid, policy, why }];
      }),
  };
}

function startOf({ config, cwd, listens, page }: StoredRecord): Start {
  return { config: textIn(config), cwd: textIn(cwd), listens: textIn(listens), page: textIn(page) };
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
