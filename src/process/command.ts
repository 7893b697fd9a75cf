/** Whether a command can be found, before anybody needs it. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { startErrorOf } from './child.ts';

/** Throws `StartError` where no such program is to be found, or none that may be run. What it does once it runs is not asked. */
export function checkCommand(command: string, { PATH }: Readonly<Record<string, string>>): void {
  const isPath = command.includes('/');
  // There, and without PATH, the system looks in ways of its own.
  if (process.platform === 'win32' || (!isPath && PATH === undefined)) return;
  const places = isPath ? [command] : (PATH ?? '').split(delimiter).map((folder) => join(folder || '.', command));
  const faults = places.map(faultOf);
  if (faults.includes(undefined)) return;
  throw startErrorOf(command, faults.find((fault) => fault?.code === 'EACCES') ?? (faults[0] as NodeJS.ErrnoException));
}

/** Why this is no program that may be run; undefined where it is one. */
function faultOf(file: string): NodeJS.ErrnoException | undefined {
  try {
    if (!statSync(file).isFile()) return Object.assign(new Error('it is no file'), { code: 'ENOENT' });
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
