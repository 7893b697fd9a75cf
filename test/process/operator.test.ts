/** Who decides, where variables say something else, or the system has no name for them. */
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { BUN, NODE, ROOT } from '../harness/paths.ts';

const PROGRAM = `const { operator } = await import(${JSON.stringify(join(ROOT, 'src/process/operator.ts'))}); console.log(await operator());`;

function asked(command: readonly string[], env: Readonly<Record<string, string | undefined>>): string {
  const [file = '', ...args] = command;
  return spawnSync(file, args, { env: { ...process.env, ...env }, encoding: 'utf8' }).stdout.trim();
}

const ME = asked(['id', '-un'], {});
const IS_ROOT = process.getuid?.() === 0;

for (const runtime of [BUN, NODE]) {
  const command = [runtime, '-e', PROGRAM];

  for (const USER of [undefined, 'alice', 'unknown', ''])
    test(`A3: USER=${USER} is not looked at (${runtime === BUN ? 'Bun' : 'Node.js'})`, () => {
      expect(asked(command, { USER, LOGNAME: USER, USERNAME: USER })).toBe(ME);
    });

  test.if(IS_ROOT)(`A3: a user without a name is their number (${runtime === BUN ? 'Bun' : 'Node.js'})`, () => {
    expect(asked(['setpriv', '--reuid=54321', '--clear-groups', ...command], { USER: 'alice', HOME: '/tmp' })).toBe('uid 54321');
  });
}
