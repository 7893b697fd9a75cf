/** Clients that must not run while their file is written: they write it again from memory, without the change (clients.md §4). */
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

interface MemoryWriter {
  readonly client: string;
  readonly name: string;
  /** Its program, by the last part of its path. Claude Code's own is `claude`. */
  readonly programs: readonly string[];
}

const WRITERS: readonly MemoryWriter[] = [{ client: 'claude-desktop', name: 'Claude Desktop', programs: ['claude-desktop', 'Claude'] }];

/** ms for the list of processes. */
const PATIENCE = 5_000;

/** Says why the file of these clients must not be written now; undefined where it may, or nobody knows. */
export function refuseWhileRunning(clients: readonly string[], processes: () => readonly string[] = ownProcesses): string | undefined {
  const writers = WRITERS.filter(({ client }) => clients.includes(client));
  if (writers.length === 0) return undefined;
  const running = new Set(processes());
  const found = writers.find(({ programs }) => programs.some((program) => running.has(program)));
  return found && `is written by ${found.name}, which runs, and would undo the change from memory: quit it, and run this again`;
}

/** The programs that this user runs. None on systems that do not say. */
function ownProcesses(): readonly string[] {
  if (process.platform === 'win32' || process.getuid === undefined) return [];
  const { stdout } = spawnSync('ps', ['-U', String(process.getuid()), '-o', 'comm='], { encoding: 'utf8', timeout: PATIENCE });
  return (stdout ?? '').split('\n').map((line) => basename(line.trim()));
}
