/** Runs commands in this process, with a terminal that keeps what is printed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runProgram } from '../../src/cli/program.ts';
import { openTerminal } from '../../src/cli/terminal.ts';

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface Folder extends Disposable {
  readonly path: string;
  write(name: string, content: string): string;
  /** Variables of the environment for the commands that follow; undefined takes one away. */
  readonly env: Record<string, string | undefined>;
  run(...argv: readonly string[]): Promise<Ran>;
  runWith(input: string, ...argv: readonly string[]): Promise<Ran>;
}

/** A folder of its own, with Intercept's home in it where no other is given. Use with `using`. */
export function openFolder(home?: string): Folder {
  const path = mkdtempSync(join(tmpdir(), 'intercept-cli-'));
  const env: Record<string, string | undefined> = { ...process.env, INTERCEPT_HOME: home ?? join(path, 'home') };
  const runWith = async (input: string, ...argv: readonly string[]): Promise<Ran> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const terminal = openTerminal({
      stdout,
      stderr,
      stdin: Readable.from([input]),
      env,
    });
    const printed = Promise.all([text(stdout), text(stderr)]);
    const status = await runProgram(argv, terminal);
    stdout.end();
    stderr.end();
    const [out, err] = await printed;
    return { status, out, err };
  };
  return {
    path,
    env,
    write(name, content) {
      const file = join(path, name);
      writeFileSync(file, content);
      return file;
    },
    run: (...argv) => runWith('', ...argv),
    runWith,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
