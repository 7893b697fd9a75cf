/** Locks that clients take while they rewrite their own files. */
import type { ClientId } from './ids.ts';
import type { ClientFile } from './types.ts';

/** folder: a folder beside the file, named after it. owner-folder: the same, with a file `owner.<token>` in it. */
export type ClientLock = 'folder' | 'owner-folder';

const LOCKS: Readonly<Partial<Record<ClientId, ClientLock>>> = { 'claude-code': 'folder', cline: 'owner-folder' };

/** The lock of a file: `<file>.lock`, as its client takes it. Undefined where none is known. */
export function lockOf({ readers }: Pick<ClientFile, 'readers'>): ClientLock | undefined {
  const own = readers.find(({ client, scope }) => LOCKS[client] !== undefined && scope !== 'project');
  return own && LOCKS[own.client];
}
