/** Every session shown in the papers is played with the real command, and prints what the paper says. */
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUN, interceptCommand, NODE, ROOT, temporaryFolder } from '../harness/paths.ts';
import { type Block, blocksOf, filesOf, PAGES } from './markdown.ts';

for (const page of PAGES) {
  const sessions = blocksOf(page).filter(({ language }) => language === 'console');
  for (const name of filesOf(page).keys()) {
    if (!/\.ya?ml$/.test(name)) continue;
    test(`a session of ${page} tries ${name}, or something that names it`, () => {
      const tried = [...filesOf(page)].filter(([other]) => other !== name && other.endsWith('.test.yaml')).map(([, text]) => text);
      expect([...tried, ...sessions.map(({ text }) => text)].join('\n')).toContain(name);
    });
  }
  if (sessions.length > 0) test(`the sessions of ${page}`, () => play(page, sessions), 60_000);
}

test('the demo prints what the README shows of it', () => {
  const [shown] = blocksOf('README.md').filter(({ text }) => text.startsWith('Same agent.'));
  const { stdout } = spawnSync(BUN, [join(ROOT, 'examples/demo.ts')], { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
  const squeeze = (text: string) => text.replace(/\s+/g, ' ').trim();
  const lines = (shown?.text ?? '').split('\n').map(squeeze);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => !squeeze(stdout).includes(line))).toEqual([]);
}, 60_000);

/** Plays all sessions of a page in order, in one folder with the files that the page shows. */
async function play(page: string, sessions: readonly Block[]): Promise<void> {
  const folder = await temporaryFolder();
  try {
    const env = prepare(folder.path, filesOf(page));
    const ids = openIds();
    for (const session of sessions) {
      let status: number | null = 0;
      for (const { command, output, line } of stepsOf(session)) {
        const played: { status: number | null; text: string } =
          command === 'echo $?' ? { status: 0, text: `${status}\n` } : run(ids.inCommand(command), folder.path, env);
        status = played.status;
        played.text = ids.inOutput(played.text, output);
        if (!fits(output, played.text))
          expect(`${page}:${line}: $ ${command}\n${played.text}`).toBe(`${page}:${line}: $ ${command}\n${output}`);
      }
    }
  } finally {
    await folder.remove();
  }
}

/** Ids of approvals are new each time: the page's stand for those that were printed in the same places. */
function openIds() {
  const known = new Map<string, string>();
  const found = (text: string) => [...new Set(text.match(/apr_[a-z2-7]{16}/g))];
  return {
    inCommand: (command: string) =>
      command.replace(/(approve|deny|show) (?:apr_)?([a-z2-7]{6,16})/g, (all, verb, start) => {
        const shown = [...known.keys()].find((id) => id.startsWith(`apr_${start}`));
        return shown === undefined ? all : `${verb} ${known.get(shown)?.slice(4, 4 + start.length)}`;
      }),
    inOutput(printed: string, shown: string): string {
      const fresh = found(printed).filter((id) => ![...known.values()].includes(id));
      const added = found(shown).filter((id) => !known.has(id));
      for (const [index, id] of added.entries()) known.set(id, fresh[index] ?? id);
      return [...known].reduce((text, [page, real]) => text.replaceAll(real, page), printed);
    },
  };
}

/** The page's files, and `intercept` and `node` in PATH. */
function prepare(folder: string, files: ReadonlyMap<string, string>): NodeJS.ProcessEnv {
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, command] of [
    ['intercept', interceptCommand()],
    ['node', [NODE]],
  ] as const) {
    const shim = join(bin, name);
    writeFileSync(shim, `#!/bin/sh\nexec ${command.map((part) => `'${part}'`).join(' ')} "$@"\n`);
    chmodSync(shim, 0o755);
  }
  return { ...process.env, PATH: `${bin}:${process.env.PATH}`, INTERCEPT_HOME: join(folder, 'home'), NO_COLOR: '1' };
}

interface Step {
  readonly command: string;
  readonly output: string;
  readonly line: number;
}

function stepsOf({ text, line }: Block): readonly Step[] {
  const steps: { command: string; output: string; line: number }[] = [];
  for (const [index, row] of text.split('\n').slice(0, -1).entries()) {
    const last = steps.at(-1);
    if (row.startsWith('$ ')) steps.push({ command: row.slice(2), output: '', line: line + index });
    else if (last) last.output += `${row}\n`;
    else throw new Error(`line ${line + index}: a session begins with a command`);
  }
  return steps;
}

function run(command: string, cwd: string, env: NodeJS.ProcessEnv): { readonly status: number | null; readonly text: string } {
  const { status, stdout } = spawnSync('/bin/sh', ['-c', `{ ${command}\n} 2>&1`], {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  return { status, text: stdout };
}

/** `…` stands for any text; on a line of its own, for any lines. */
function fits(shown: string, printed: string): boolean {
  const pattern = shown
    .split(/(?<=^|\n)…\n/)
    .map((part) => part.split('…').map(escapePattern).join('.*'))
    .join('(?:.*\\n)*');
  return new RegExp(`^${pattern}$`).test(printed);
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
