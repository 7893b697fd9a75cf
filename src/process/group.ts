/** Process groups: finds the processes of a wrapped server, and signals them (wire.md §4). */
import { readdirSync, readFileSync } from 'node:fs';
import { platform } from 'node:process';

/** One process; `started` distinguishes it from a later one with the same id. */
export interface Process {
  readonly pid: number;
  readonly started: string;
}

interface ProcessRow extends Process {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/** Signals every process of the group that `pid` leads; a group that is gone is what was wanted. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (platform === 'win32') void endTree(pid);
  else sendSignal(-pid, signal);
}

/** Answers true while any process of the group is left. */
export function groupLives(pid: number): boolean {
  return platform !== 'win32' && sendSignal(-pid, 0);
}

/**
 * Processes below `pid` that left its group, which a signal to the group does not reach: a browser that a server
 * starts in a group of its own. Only Linux says; elsewhere none are found.
 */
export function strays(pid: number): readonly Process[] {
  if (platform !== 'linux') return [];
  const rows = readRows();
  const family = new Set([pid]);
  // Ids wrap around, so a child can stand before its parent: repeat until nothing is added.
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const row of rows) if (family.has(row.parent) || row.session === pid) family.add(row.pid);
  }
  return rows.filter((row) => row.pid !== pid && family.has(row.pid) && row.group !== pid);
}

/** Kills those that still run, and not a later process with the same id. */
export function killStrays(processes: Iterable<Process>): void {
  for (const { pid, started } of processes) if (readRow(String(pid))?.started === started) sendSignal(pid, 'SIGKILL');
}

function sendSignal(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EPERM: what is left runs as another user (sudo); it lives, and is not ours to end.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
    return code === 'EPERM';
  }
}

/** Windows knows no process groups, and no signals that a console program could catch. */
async function endTree(pid: number): Promise<void> {
  const { spawn } = await import('node:child_process');
  spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' }).on('error', () => process.kill(pid));
}

function readRows(): readonly ProcessRow[] {
  return readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? (readRow(entry) ?? []) : []));
}

/** SPEC: proc_pid_stat(5). The name stands in parentheses and may itself contain any, so fields count from the last one. */
function readRow(pid: string): ProcessRow | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid: Number(pid),
      parent: Number(fields[1]),
      group: Number(fields[2]),
      session: Number(fields[3]),
      started: fields[19] ?? '',
    };
  } catch {
    // It ended between the listing and the reading.
    return undefined;
  }
}
