/** `intercept scan`: what a server can do, and a policy for it (setup.md §2). */
import { refuseExisting } from '../setup/policy-file.ts';
import { scanServer } from '../setup/scan.ts';
import type { ScanFlags, Scanned } from './scan/flags.ts';
import { openProgress } from './scan/progress.ts';
import type { Terminal } from './terminal.ts';

/** Scans the server and prints or writes what was asked for. */
export async function scan(flags: ScanFlags, terminal: Terminal): Promise<number> {
  const { output, update, force } = flags;
  if (output !== undefined && !update && !force) refuseExisting(output);
  if (output === undefined || !update) {
    const [scanned, { showScan, offerLibrary }] = await Promise.all([scanIt(flags, terminal), import('./scan/draft.ts')]);
    const status = showScan(scanned, flags, terminal);
    await offerLibrary(flags, terminal);
    return status;
  }
  const { loadEdited, mergeInto } = await import('./scan/update.ts');
  const before = await loadEdited(output, terminal);
  return mergeInto(output, before, await scanIt(flags, terminal), flags, terminal);
}

/** While the server starts, what comes after it is loaded. */
async function scanIt(flags: ScanFlags, terminal: Terminal): Promise<Scanned> {
  const progress = openProgress(terminal);
  try {
    const scanning = scanServer(flags, terminal.env, { timeout: flags.timeout, onProgress: progress.show });
    const [server, { classifyTools }] = await Promise.all([scanning, import('../setup/risk/risk.ts')]);
    return { server, risks: classifyTools(server.tools) };
  } finally {
    progress.end();
  }
}
