/**
 * Reads from a command which package it starts (setup.md §3): that is known only where its registry, name and program are certain. An
 * alias, a URL, a path, another registry or an option that nobody knows makes it unknown, which is never wrong.
 */

export type Registry = 'npm' | 'pypi' | 'docker';

export interface StartedPackage {
  readonly kind: 'package';
  readonly registry: Registry;
  /** In the registry's own spelling. */
  readonly name: string;
  /** Undefined where none, a range or a tag was written. */
  readonly version: string | undefined;
  /** The package's program, where it is not called as the package is. */
  readonly program: string | undefined;
  /** The server's own arguments. */
  readonly args: readonly string[];
}

export type Identified = StartedPackage | { readonly kind: 'unknown'; readonly why: string };

/** The variables that an entry sets for its server. */
type EntryEnvironment = Readonly<Record<string, string | undefined>>;

interface Launcher {
  readonly registry: Registry;
  /** Its first words, where it is more than a program. */
  readonly words: readonly string[];
  /** Options that change nothing about what is started: without a value, and with one. */
  readonly plain: readonly string[];
  readonly valued: readonly string[];
  /** Options whose value is the package. */
  readonly from: readonly string[];
  /** Options whose value is a package beside it. */
  readonly beside?: readonly string[];
  /** It reads its own options behind the package, too, up to a `--`. */
  readonly readsOn?: boolean;
  readonly parse: (spec: string) => Pick<StartedPackage, 'name' | 'version'> | undefined;
}

const NPM = {
  registry: 'npm',
  plain: ['-y', '--yes', '-q', '--quiet', '-s', '--silent', '--prefer-offline', '--prefer-online', '--offline', '--ignore-scripts'],
  valued: [],
  from: ['-p', '--package'],
  parse: parseNpm,
} as const;
const UV = {
  registry: 'pypi',
  plain: ['-q', '--quiet', '-v', '--verbose', '--isolated', '--offline', '--refresh', '--no-progress', '-n', '--no-cache'],
  valued: ['-p', '--python'],
  from: ['--from'],
  beside: ['-w', '--with'],
  parse: parsePython,
} as const;
const CONTAINER = {
  registry: 'docker',
  words: ['run'],
  plain: ['-i', '--interactive', '-t', '--tty', '-it', '-ti', '--rm', '--init', '-q', '--quiet', '--read-only'],
  valued: [
    '-e',
    '--env',
    '--env-file',
    '-v',
    '--volume',
    '--mount',
    '--name',
    '--network',
    '--net',
    '-u',
    '--user',
    '--pull',
    '--add-host',
  ],
  from: [],
  parse: parseImage,
} as const;

/** By the name of the program. */
const LAUNCHERS: Readonly<Record<string, readonly Launcher[]>> = {
  npx: [{ ...NPM, words: [] }],
  npm: [
    { ...NPM, words: ['exec'], readsOn: true },
    { ...NPM, words: ['x'], readsOn: true },
  ],
  pnpm: [{ ...NPM, words: ['dlx'] }],
  pnpx: [{ ...NPM, words: [] }],
  bunx: [{ ...NPM, words: [], plain: [...NPM.plain, '--bun'] }],
  uvx: [{ ...UV, words: [] }],
  uv: [{ ...UV, words: ['tool', 'run'] }],
  pipx: [
    {
      ...UV,
      words: ['run'],
      plain: ['-q', '--quiet', '-v', '--verbose', '--no-cache'],
      valued: ['--python'],
      from: ['--spec'],
      beside: [],
    },
  ],
  docker: [CONTAINER],
  podman: [CONTAINER],
};

/** The package that a command starts, with the variables that its entry sets. */
export function identifyPackage(command: readonly string[], env: EntryEnvironment = {}): Identified {
  const words = withoutShell(command);
  const joined = words === command ? undefined : words.find((word) => /[&|<>^\r\n]/.test(word));
  if (joined !== undefined) return unknown(`"${joined}" means more to cmd than a word`);
  const [first = ''] = words;
  if (/[/\\]/.test(first) && !/^(?:\/|[A-Za-z]:[\\/])/.test(first)) return unknown(`"${first}" is a path of some folder`);
  const launchers = LAUNCHERS[programName(first)] ?? [];
  const launcher = launchers.find((each) => each.words.every((word, index) => words[index + 1] === word));
  if (!launcher) return unknown(`"${first}" starts no package of a registry`);
  const redirected = redirectIn(launcher.registry, env);
  if (redirected !== undefined) return unknown(`"${redirected}" may have another package started`);
  return readStart(launcher, words.slice(1 + launcher.words.length));
}

/** Reads the options up to the package, and what follows it. */
function readStart(launcher: Launcher, words: readonly string[]): Identified {
  const { plain, valued, from, beside = [], registry } = launcher;
  let spec: string | undefined;
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) break;
    if (word === '--') {
      at++;
      break;
    }
    if (plain.includes(word)) continue;
    const [option, written] = splitOption(word);
    const value = written ?? words[at + 1] ?? '';
    if (from.includes(option)) {
      if (spec !== undefined) return unknown('it names several packages');
      spec = value;
    } else if (beside.includes(option)) {
      if (!launcher.parse(value)) return unknown(`"${value}" is no package of the registry`);
    } else if (!valued.includes(option)) return unknown(`"${option}" may change what is started`);
    if (written === undefined) at++;
  }
  const [word, ...args] = words.slice(at);
  if (word === undefined) return unknown('it names no package');
  const late = launcher.readsOn && words[at - 1] !== '--' ? lateOption(args) : undefined;
  if (late !== undefined) return unknown(`"${late}" may change what is started`);
  const parsed = launcher.parse(spec ?? word);
  if (!parsed) return unknown(`"${spec ?? word}" is no plain name of a package`);
  const program = spec === undefined || word === parsed.name || word === spec ? undefined : word;
  return { kind: 'package', registry, ...parsed, program, args };
}

/** SECURITY: `npm exec a --package=b` starts a program of `b`. */
function lateOption(args: readonly string[]): string | undefined {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? args.length : end).find((word) => word.startsWith('-'));
}

function splitOption(word: string): readonly [string, string | undefined] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** On Windows clients start npx through `cmd /c`. */
function withoutShell(command: readonly string[]): readonly string[] {
  return programName(command[0] ?? '') === 'cmd' && command[1]?.toLowerCase() === '/c' ? command.slice(2) : command;
}

function programName(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return name.toLowerCase().replace(/\.(?:exe|cmd)$/, '');
}

/** Settings of a launcher by variables: each but these may have it start something else. */
const REDIRECTS: Readonly<Record<Registry, RegExp>> = {
  npm: /^(?:npm_config_(?!(?:cache|loglevel|yes|offline|prefer_offline|prefer_online|fund|audit|update_notifier|progress|color|ignore_scripts|cafile|proxy|https_proxy|noproxy|fetch_\w+|init_module|node_gyp|npm_version|user_agent)$)|bun_config_registry$)/i,
  pypi: /^(?:uv|pip|pipx)_(?!(?:cache_dir|no_cache|offline|no_progress|quiet|link_mode|python|python_preference|python_downloads|http_timeout|default_timeout|native_tls|cert|disable_pip_version_check|tool_dir|tool_bin_dir|concurrent_\w+)$)/i,
  docker: /^docker_(?:host|context|config)$/i,
};

function redirectIn(registry: Registry, env: EntryEnvironment): string | undefined {
  return Object.keys(env).find((name) => {
    const value = env[name];
    return value !== undefined && REDIRECTS[registry].test(name) && !isUsual(name, value, env);
  });
}

/** npm tells whatever it starts where its files are; where they always are, that leads nowhere else. */
function isUsual(name: string, value: string, { HOME, USERPROFILE, npm_config_user_agent }: EntryEnvironment): boolean {
  // Those that it sets for each program, which are about the folder that it was called in.
  if (/^npm_config_(?:local_|global_)?prefix$/i.test(name)) return npm_config_user_agent !== undefined;
  const path = value.replaceAll('\\', '/');
  if (/^npm_config_globalconfig$/i.test(name)) return path.endsWith('/etc/npmrc');
  const home = (HOME ?? USERPROFILE)?.replaceAll('\\', '/');
  return /^npm_config_userconfig$/i.test(name) && home !== undefined && path === `${home}/.npmrc`;
}

const EXACT = /^v?(\d+(?:\.\d+)+(?:[-+.]?[0-9A-Za-z][0-9A-Za-z.+-]*)?)$/;

function exact(version: string | undefined): string | undefined {
  return EXACT.exec(version ?? '')?.[1];
}

function parseNpm(spec: string): ReturnType<Launcher['parse']> {
  const [, name, version] = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)(?:@([\w.^~<>=*+-]*))?$/.exec(spec) ?? [];
  if (name === undefined || /\.(?:tgz|tar|tar\.gz)$/.test(spec)) return undefined;
  return { name, version: exact(version) };
}

function parsePython(spec: string): ReturnType<Launcher['parse']> {
  const [, name, at, equal] =
    /^([A-Za-z0-9][\w.-]*)(?:\[[\w,.-]*\])?(?:@([\w.+-]+)|==([\w.+-]+)|[<>=!~][\w.,<>=!~* +-]*)?$/.exec(spec) ?? [];
  if (name === undefined || /\.(?:whl|zip|tar|gz|py)$/i.test(name)) return undefined;
  return { name: name.toLowerCase().replace(/[-_.]+/g, '-'), version: exact(at ?? equal) };
}

function parseImage(spec: string): ReturnType<Launcher['parse']> {
  const [, image, tag] = /^([a-z0-9][a-z0-9._/-]*)(?::([\w.-]+))?(?:@sha256:[0-9a-f]{64})?$/.exec(spec) ?? [];
  return image === undefined ? undefined : { name: image.replace(/^docker\.io\/(?:library\/)?/, ''), version: exact(tag) };
}

function unknown(why: string): Identified {
  return { kind: 'unknown', why };
}
