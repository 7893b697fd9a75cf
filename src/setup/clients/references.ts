/** References in entries, as each client resolves them before it starts a server. None is ever run. */
import type { Dialect } from './ids.ts';
import type { World } from './types.ts';

export type ResolvedText =
  | { readonly kind: 'value'; readonly value: string }
  /** Only a person knows it: the client asks for it, or keeps it in a store of its own. */
  | { readonly kind: 'asks'; readonly ids: readonly string[] }
  /** Nobody here can know it: a variable that is not set, a command. */
  | { readonly kind: 'unknown'; readonly reference: string; readonly why: string };

export interface Knowledge {
  /** The project's folder. */
  readonly project?: string;
  /** Answers of the person, by id. */
  readonly answers?: ReadonlyMap<string, string>;
}

type Meaning = (match: RegExpMatchArray, world: World, known: Knowledge) => ResolvedText;

interface Form {
  readonly pattern: string;
  readonly means: Meaning;
}

const variable =
  (unset: 'kept' | 'empty' = 'kept'): Meaning =>
  ([reference, name = '', fallback], world) => {
    const value = variableOf(world, name) ?? fallback;
    if (value !== undefined) return { kind: 'value', value };
    return unset === 'empty'
      ? { kind: 'value', value: '' }
      : { kind: 'unknown', reference, why: `the variable ${JSON.stringify(name)} is not set` };
  };

/** Names of variables do not heed case on Windows. */
function variableOf({ env, platform }: World, name: string): string | undefined {
  if (platform !== 'win32' || name in env) return env[name];
  const found = Object.keys(env).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : env[found];
}

const command: Meaning = ([reference]) => ({ kind: 'unknown', reference, why: 'it is a command, and commands in a file are not run' });
const ask: Meaning = ([, id = ''], _, { answers }) => {
  const value = answers?.get(id);
  return value === undefined ? { kind: 'asks', ids: [id] } : { kind: 'value', value };
};
const file: Meaning = ([reference, path = ''], { disk, home }) => {
  const bytes = disk.read(path.replace(/^~(?=[\\/])/, home), MAX_FILE);
  if (typeof bytes === 'string') return { kind: 'unknown', reference, why: bytes };
  return { kind: 'value', value: new TextDecoder().decode(bytes).trim() };
};
const folder: Meaning = ([reference], { home, platform }, { project }) => {
  const [, name = ''] = reference.match(/\{(\w+)\}/) ?? [];
  const separator = platform === 'win32' ? '\\' : '/';
  const last = project?.split(/[\\/]/).at(-1);
  const value = { userHome: home, workspaceFolder: project, workspaceFolderBasename: last, pathSeparator: separator }[name];
  return value === undefined ? { kind: 'unknown', reference, why: 'it is known in the editor alone' } : { kind: 'value', value };
};

/** A file that a reference names: a token, not a book. */
const MAX_FILE = 65_536;

const NAME = '([A-Za-z_][A-Za-z0-9_]*)';
const BRACES: Form = { pattern: `\\$\\{${NAME}(?::-([^}]*))?\\}`, means: variable() };
const ENV_COLON: Form = { pattern: `\\$\\{env:${NAME}\\}`, means: variable('empty') };
const FOLDERS: Form = { pattern: '\\$\\{(?:userHome|workspaceFolder|workspaceFolderBasename|pathSeparator|/)\\}', means: folder };
const EMBEDDED: Form = { pattern: '\\$\\((?:[^()]|\\([^()]*\\))*\\)|`[^`]*`', means: command };
const PERCENT: Form = { pattern: `%${NAME}%`, means: variable() };

const DIALECTS: Readonly<Record<Dialect, readonly Form[]>> = {
  none: [],
  braces: [BRACES],
  'env-colon': [ENV_COLON, FOLDERS],
  vscode: [ENV_COLON, FOLDERS, { pattern: '\\$\\{input:([^}]+)\\}', means: ask }, { pattern: '\\$\\{command:[^}]+\\}', means: command }],
  'env-file': [ENV_COLON, { pattern: '\\$\\{file:([^}]+)\\}', means: file }],
  'shell-words': [BRACES, { pattern: `\\$${NAME}`, means: variable() }, PERCENT],
  'curly-env': [
    { pattern: `\\{env:${NAME}\\}`, means: variable('empty') },
    { pattern: '\\{file:([^}]+)\\}', means: file },
  ],
  secrets: [{ pattern: '\\$\\{\\{\\s*(?:secrets|inputs)\\.([\\w.-]+)\\s*\\}\\}', means: ask }],
  shell: [EMBEDDED, { ...BRACES, means: variable('empty') }, { pattern: `\\$${NAME}`, means: variable('empty') }],
};

/** The text that the client would give to the server; else all that it asks for, or the first that nobody here can know. */
export function resolveReferences(text: string, dialect: Dialect, world: World, known: Knowledge = {}): ResolvedText {
  const open: ResolvedText[] = [];
  const value = text.replace(patternOf(dialect, world), (reference) => {
    const resolved = resolveOne(reference, dialect, world, known);
    if (resolved.kind === 'value') return resolved.value;
    open.push(resolved);
    return '';
  });
  const ids = open.flatMap((resolved) => (resolved.kind === 'asks' ? resolved.ids : []));
  return open.find(({ kind }) => kind === 'unknown') ?? (ids.length > 0 ? { kind: 'asks', ids } : { kind: 'value', value });
}

/** The references of a text, as they stand. */
export function referencesIn(text: string, dialect: Dialect, world: World): readonly string[] {
  return Array.from(text.matchAll(patternOf(dialect, world)), ([reference]) => reference);
}

function patternOf(dialect: Dialect, world: World): RegExp {
  const forms = formsOf(dialect, world);
  return forms.length === 0 ? /(?!)/g : new RegExp(forms.map(({ pattern }) => `(?:${pattern})`).join('|'), 'g');
}

function formsOf(dialect: Dialect, { platform }: World): readonly Form[] {
  return DIALECTS[dialect].filter((form) => form !== PERCENT || platform === 'win32');
}

function resolveOne(reference: string, dialect: Dialect, world: World, known: Knowledge): ResolvedText {
  for (const { pattern, means } of formsOf(dialect, world)) {
    const match = reference.match(new RegExp(`^(?:${pattern})$`));
    if (match) return means(match, world, known);
  }
  return { kind: 'value', value: reference };
}
