/** What shells offer at the Tab key, asked of the shells themselves (cli.md §1). */
import { beforeAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../harness/paths.ts';
import { HAS_TERMINAL, sitAtTerminal } from '../harness/terminal.ts';
import { openFolder } from './run.ts';

const SCRIPTS: Record<string, string> = {};

beforeAll(async () => {
  using folder = openFolder();
  for (const shell of ['bash', 'zsh', 'fish']) SCRIPTS[shell] = (await folder.run('completion', shell)).out;
});

/** Sources the script, then runs a program of the shell's. */
function ask(shell: string, program: string): readonly string[] {
  const { stdout, stderr } = spawnSync(shell, ['-c', program], {
    input: SCRIPTS[shell] ?? '',
    encoding: 'utf8',
    env: { ...process.env, HOME: '/nonexistent' },
  });
  expect(stderr).toBe('');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

/** What is typed, the last word being the one to complete; and what is offered. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['intercept appr', ['approvals']],
  ['intercept approvals ap', ['approve']],
  ['intercept -c p.yaml --transport ', ['http', 'sse', 'stdio']],
  ['intercept status --w', ['--watch']],
  ['intercept completion ', ['bash', 'fish', 'zsh']],
  ['intercept approvals list --al', ['--all']],
];

const WORDS = (line: string) =>
  line
    .split(' ')
    .map((word) => `'${word}'`)
    .join(' ');

describe.if(has('bash'))('bash', () => {
  const offered = (line: string) =>
    ask(
      'bash',
      `source /dev/stdin; COMP_WORDS=(${WORDS(line)}); COMP_CWORD=${line.split(' ').length - 1}; _intercept; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  test.each(CASES)('%s', (line, expected) => expect(offered(line)).toEqual([...expected]));

  test('behind "--", and where a value is wanted, it leaves the word to the shell', () => {
    for (const line of ['intercept -c p.yaml -- sta', 'intercept -c ', 'intercept --agent ']) expect(offered(line)).toEqual([]);
    expect(ask('bash', 'source /dev/stdin; complete -p intercept')).toEqual(['complete -o default -F _intercept intercept']);
  });
});

describe.if(has('zsh'))('zsh', () => {
  test('takes the script and completes intercept by it', () => {
    const program = `autoload -U compinit; compinit -u -D; source /dev/stdin; print -r -- $_comps[intercept]`;
    expect(ask('zsh', program)).toEqual([expect.stringContaining('_intercept')]);
  });
});

describe.if(has('zsh') && HAS_TERMINAL)('zsh at a terminal, by the Tab key', () => {
  test.each(CASES.filter(([, expected]) => expected.length === 1))(
    '%s',
    async (line, expected) => {
      const { path, remove } = await temporaryFolder();
      try {
        const file = join(path, 'completion');
        writeFileSync(file, SCRIPTS['zsh'] ?? '');
        using person = sitAtTerminal(['zsh', '-f', '-i'], { env: { HOME: path } });
        // Whoever has set EDITOR to vi would have other keys.
        person.type(`PS1='> '; bindkey -e; autoload -U compinit; compinit -u -D; source ${file}; print ready=$((40+2))\n`);
        // The shell reads keys from where its prompt turns on bracketed paste; before, a Tab is a character.
        await person.untilPrinted(/ready=42[\s\S]*\?2004h/);
        // What stands in the line after Tab is printed: Ctrl-A goes to its beginning.
        person.type(`${line}\t\x01print -r -- '<'\x05'>'\n`);
        const whole = `${line.slice(0, line.lastIndexOf(' ') + 1)}${expected[0]}`;
        await person.untilPrinted(new RegExp(`^<${whole} ?>`, 'm'));
      } finally {
        await remove();
      }
    },
    30_000,
  );
});

describe.if(has('fish'))('fish', () => {
  test.each(CASES)('%s', (line, expected) => {
    const lines = ask('fish', `source; complete -C'${line}'`).map((each) => each.split('\t')[0] ?? '');
    expect(lines).toEqual([...expected]);
  });
});
