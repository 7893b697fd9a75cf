/** Keeps the knowledge that this host has of a store on a server, so that a loss is noticed also after everything was restarted (scale.md §6). */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Remembered } from './server.ts';

export interface Memory {
  read(): Remembered | undefined;
  write(remembered: Remembered): void;
}

/** One file for each address, in `folder`. A file that is no such record is treated as none: the store itself still tells. */
export function rememberIn(folder: string, address: string): Memory {
  const name = createHash('sha256').update(address).digest('hex').slice(0, 32);
  const path = join(folder, `${name}.json`);
  return {
    read() {
      try {
        const { epoch, tick, secret } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Remembered>;
        return typeof epoch === 'string' && Number.isSafeInteger(tick) ? { epoch, tick: tick as number, secret } : undefined;
      } catch {
        return undefined;
      }
    },
    write(remembered) {
      // Several processes write: each its own file first, and the last one stays.
      const passing = `${path}.${process.pid}`;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(passing, JSON.stringify(remembered), { mode: 0o600 });
        renameSync(passing, path);
      } catch {
        // A full disk costs this knowledge, and no call.
      }
    },
  };
}
