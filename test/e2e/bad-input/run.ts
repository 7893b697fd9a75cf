/** The command with bad input: it has to end by itself, soon, saying what is wrong. */
import { openClient } from '../../harness/client.ts';
import { interceptCommand } from '../../harness/paths.ts';

export interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
  readonly ms: number;
}

/** More than a start takes on a busy machine, less than anyone waits. */
export const SOON_MS = 8_000;

/** Runs it with these arguments, its stdin closed or left open, and rejects where it does not end in time. */
export async function runToEnd(home: string, args: readonly string[], stdin: 'closed' | 'open' = 'open'): Promise<Ended> {
  const start = performance.now();
  const client = openClient([...interceptCommand(), ...args], { env: { INTERCEPT_HOME: home } });
  if (stdin === 'closed') client.end();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    client.kill('SIGKILL');
  }, SOON_MS);
  const { code } = await client.exited;
  clearTimeout(timer);
  if (late) throw new Error(`it did not end within ${SOON_MS} ms; stderr: ${client.stderr()}`);
  return { code, stderr: client.stderr(), stdout: client.frames.map(({ text }) => text).join('\n'), ms: performance.now() - start };
}
