/** The SQLite that the runtime brings along: no native code of our own to build or ship. */
import { StoreError } from '../../core/store.ts';

type Driver = typeof import('node:sqlite');

/**
 * Loads `node:sqlite`. Node before 24 warns at its first load that it is experimental; that line would stand on
 * the stderr of every start and says nothing that an operator can act on.
 */
export function loadDriver(): Driver {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    const driver = process.getBuiltinModule('node:sqlite') as Driver | undefined;
    if (!driver) throw new StoreError('this runtime has no node:sqlite; use Node 22.13 or newer, or the standalone binary');
    return driver;
  } finally {
    process.emitWarning = emitWarning;
  }
}
