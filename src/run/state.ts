/** The state store as commands look at it: the one that is there, never a new one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Records, Store } from '../core/store.ts';
import { type Desk, openSqliteDesk, openSqliteStore } from '../state/sqlite/sqlite.ts';

/** People wait longer than calls do. */
const TIMEOUT = 3_000;

/** The file that holds the state of a folder. */
export function stateFile(stateDir: string): string {
  return join(stateDir, 'intercept.sqlite');
}

/** Opens the store of a namespace; a new file where there is none. */
export function openState(stateDir: string, namespace: string): Promise<Store & Records> {
  return openSqliteStore({ path: stateFile(stateDir), namespace, clock: Date.now, timeoutMs: TIMEOUT });
}

/** Does something with the store, where there is one. */
export async function withState<T>(
  stateDir: string,
  namespace: string,
  work: (store: Store & Records) => Promise<T>,
): Promise<T | undefined> {
  if (!existsSync(stateFile(stateDir))) return undefined;
  const store = await openState(stateDir, namespace);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Opens the records of every namespace, as people do who decide; a new file where there is none. */
export function openDesk(stateDir: string): Promise<Desk> {
  return existsSync(stateFile(stateDir))
    ? openSqliteDesk({ path: stateFile(stateDir), clock: Date.now, timeoutMs: TIMEOUT })
    : openState(stateDir, '');
}

/** Does something with the records of every namespace, where there is a store. */
export async function withDesk<T>(stateDir: string, work: (desk: Records) => Promise<T>): Promise<T | undefined> {
  if (!existsSync(stateFile(stateDir))) return undefined;
  const desk = await openDesk(stateDir);
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}
