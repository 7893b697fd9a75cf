/** What shells offer at the Tab key, asked of the shells themselves (cli.md §1). */
import { beforeAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
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

describe.if(has('fish'))('fish', () => {
  test.each(CASES)('%s', (line, expected) => {
    const lines = ask('fish', `source; complete -C'${line}'`).map((each) => each.split('\t')[0] ?? '');
    expect(lines).toEqual([...expected]);
  });
});
