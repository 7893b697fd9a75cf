/**
 * The bare line relay, which the proxy is compared with: the same runtime and the same reading and writing, a child
 * behind it, lines split and passed on, and nothing else. Usage: `relay -- <command…>`.
 */
import { childEnvironment, startChild } from '../src/process/child.ts';
import { exitStatus, onSignals } from '../src/process/exit.ts';
import { openStdio } from '../src/process/stdio.ts';
import { createLines } from './lines.ts';

// Bun takes the `--` away, but for a compiled program.
const [command = '', ...args] = process.argv.slice(2).filter((arg, i) => i > 0 || arg !== '--');
const child = await startChild(command, args, childEnvironment(process.env, []));
const agent = openStdio();

const toChild = createLines();
const toAgent = createLines();
agent.onChunk((chunk) => {
  for (const line of toChild(chunk)) if (!child.write(line)) agent.pause();
});
child.onChunk((chunk) => {
  for (const line of toAgent(chunk)) if (!agent.write(line)) child.pause();
});
child.onDrain(() => agent.resume());
agent.onDrain(() => child.resume());
agent.onEnd(() => void child.stop('graceful'));
agent.onError(() => void child.stop('graceful'));
onSignals((signal) => void child.stop('now', signal));
child.onExit(async (exit) => {
  await agent.flush(1_000);
  process.exit(exitStatus(exit));
});
