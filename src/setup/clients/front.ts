/** The words that Intercept itself adds to an entry. */
import type { Dialect } from './ids.ts';
import type { Front } from './types.ts';

/** Clients of these ways of references know the project's folder. */
const KNOW_FOLDER: ReadonlySet<Dialect> = new Set(['vscode', 'env-colon']);
const FOLDER = '${workspaceFolder}/';

/** Says why words of ours may not be written. SECURITY: clients expand `$`, braces and `%`; ours must mean the same everywhere. */
export function wrongFront({ program, before, policy, agent, env }: Front, dialect: Dialect): string | undefined {
  const inProject = KNOW_FOLDER.has(dialect) && policy.startsWith(FOLDER) ? policy.slice(FOLDER.length) : policy;
  const texts = [program, ...before, inProject, agent ?? '', ...Object.entries(env).flat()];
  const wrong = texts.find((text) => /[${}%`]|[\p{Cc}\p{Zl}\p{Zp}]|\p{Surrogate}/u.test(text));
  if (wrong !== undefined)
    return `${JSON.stringify(wrong)} has a character that clients expand ($ { } % \`): choose another folder or name`;
  return policy.startsWith('-') || program === '' ? 'the command to write is none' : undefined;
}

/** The words between the program and the server's own. */
export function frontWords({ before, policy, agent }: Front): readonly string[] {
  return [...before, '-c', policy, ...(agent === undefined ? [] : ['--agent', agent])];
}

/** True where words begin with Intercept as this front writes it, whatever its policy. */
export function beginsWith(words: readonly unknown[], { program, before }: Front): boolean {
  const ours = [program, ...before];
  return ours.every((word, at) => words[at] === word) && POLICY_FLAGS.has(String(words[ours.length]));
}

const POLICY_FLAGS: ReadonlySet<string> = new Set(['-c', '--config']);

/** Where the server's own command begins in arguments of Intercept; undefined where they are none. */
export function ownCommandAt(words: readonly unknown[]): number | undefined {
  const at = words.indexOf('--');
  const front = words.slice(0, at).map(String);
  const isOurs = front.some((word) => POLICY_FLAGS.has(word) || word.startsWith('--config='));
  return at > 0 && isOurs && at + 1 < words.length ? at + 1 : undefined;
}
