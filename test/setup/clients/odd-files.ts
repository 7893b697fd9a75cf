/** Makes configuration files of odd but valid text: any trivia, any spelling, one entry to rewrite among others. */
import fc from 'fast-check';
import type { ShapeId } from '../../../src/setup/clients/ids.ts';
import type { EntryPath, FileFormat } from '../../../src/setup/clients/types.ts';

type Choose = fc.GeneratorValue;

export interface OddFile {
  readonly text: string;
  readonly format: FileFormat;
  readonly shape: ShapeId;
  readonly at: EntryPath;
  readonly isRemote: boolean;
  /** The entry has a list of arguments: its command comes back with its very text, whatever else changed. */
  readonly hasArgs: boolean;
  /** Text that somebody may put in, and a text in the file to put it behind; undefined where the layout has no such place. */
  readonly elsewhere: { readonly behind: string; readonly put: string } | undefined;
  readonly inside: { readonly behind: string; readonly put: string } | undefined;
}

const NAMES = ['x', 'stripe', 'é ü', 'a.b', 'with "quotes"', 'nul\\', '日本', '__proto__', '-'];
const WORDS = [
  'npx',
  '-y',
  'pkg@1.2',
  'a b',
  'C:\\Program Files\\x.exe',
  "it's",
  '"',
  '',
  '{}',
  '[x]',
  'a: b',
  '# no',
  '--',
  '日本',
  '\u2028',
  'tab\there',
  '%PATH%',
  '${K}',
];

function pick<T>(g: Choose, values: readonly T[]): T {
  return g(fc.constantFrom, ...values) as T;
}

function words(g: Choose, most: number): readonly string[] {
  return Array.from({ length: g(fc.nat, { max: most }) }, () => pick(g, WORDS));
}

function shuffled<T>(g: Choose, values: readonly T[]): readonly T[] {
  const left = [...values];
  return Array.from(values, () => left.splice(g(fc.nat, { max: left.length - 1 }), 1)[0] as T);
}

const isTrue = (g: Choose) => g(fc.boolean);

/** JSON with comments, blanks of all kinds, escapes and commas at ends. */
export function oddJson(g: Choose): OddFile {
  const newline = pick(g, ['\n', '\r\n']);
  const isOneLine = isTrue(g);
  const hasComments = isTrue(g) && !isOneLine;
  const blanks = isOneLine ? ['', ' ', '\t'] : ['', ' ', '\t', newline, `${newline}  `, `${newline}\t\t`, `${newline}${newline} `];
  const comments = hasComments ? [`// é {"a": [1,${newline}`, '/* "x": , */', `/*${newline}*/ `] : [];
  const trivia = () => pick(g, [...blanks, ...blanks, ...comments]);
  const string = (text: string) =>
    `"${Array.from(text, (character) => (isTrue(g) && g(fc.nat, { max: 5 }) === 0 ? escaped(character) : JSON.stringify(character).slice(1, -1))).join('')}"`;
  const list = (items: readonly string[], [open, close]: readonly [string, string]) => {
    const end = items.length > 0 && isTrue(g) && hasComments ? `,${trivia()}` : '';
    return `${open}${items.map((item) => trivia() + item + trivia()).join(',')}${end}${items.length > 0 ? '' : trivia()}${close}`;
  };
  const object = (members: readonly (readonly [string, string])[]) =>
    list(
      members.map(([key, value]) => `${string(key)}${trivia()}:${trivia()}${value}`),
      ['{', '}'],
    );
  const other = (): string =>
    pick(g, ['1', '-1.50e3', 'true', 'null', string('s'), object([['k', '[1, {}]']]), list(['1', '"]"'], ['[', ']'])]);
  const isRemote = isTrue(g);
  const hasArgs = isTrue(g);
  const name = pick(g, NAMES);
  const local: readonly (readonly [string, string])[] = [
    [
      'command',
      string(
        pick(
          g,
          WORDS.filter((word) => word !== ''),
        ),
      ),
    ],
    ...(hasArgs ? [['args', list(words(g, 3).map(string), ['[', ']'])] as const] : []),
    ...(isTrue(g) ? [['env', object([['K', string('v')]])] as const] : []),
  ];
  const remote: readonly (readonly [string, string])[] = [
    ['url', string('https://example.com/mcp')],
    ['type', string('http')],
    ...(isTrue(g)
      ? [['headers', object([['A', string('Bearer ${K}')], ...(isTrue(g) ? [['X-B', string('"')] as const] : [])])] as const]
      : []),
    ...(isTrue(g) ? [['oauth', object([['clientId', string('c')]])] as const] : []),
  ];
  const members = shuffled(g, [...(isRemote ? remote : local), ...(isTrue(g) ? [['x-unknown', other()] as const] : [])]);
  const entry = object(members).replace('{', '{/*ENTRY*/');
  const servers = object(shuffled(g, [[name, entry], ...(isTrue(g) ? [['other', object([['command', '"a"']])] as const] : [])])).replace(
    '{',
    '{/*SERVERS*/',
  );
  const root = object(
    shuffled(g, [
      ['mcpServers', servers],
      ['before', other()],
      ['after', other()],
    ]),
  );
  const text = `${pick(g, ['', '\ufeff'])}${trivia()}${root}${trivia()}`;
  return {
    ...{ text, format: 'json', shape: 'claude', at: ['mcpServers', name], isRemote, hasArgs },
    elsewhere: { behind: '/*SERVERS*/', put: `${newline}"added": {"command": "b"},` },
    inside: { behind: '/*ENTRY*/', put: `${newline}"added": [1, true],` },
  };
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}

/** TOML with tables, dotted keys and inline tables, quoted names, comments, and tables of others in between. */
export function oddToml(g: Choose): OddFile {
  const newline = pick(g, ['\n', '\r\n']);
  const name = pick(
    g,
    NAMES.filter((text) => text !== '__proto__'),
  );
  const key = (text: string) => {
    if (/^[\w-]+$/.test(text) && isTrue(g)) return text;
    return text.includes("'") || isTrue(g) ? JSON.stringify(text) : `'${text}'`;
  };
  const string = (text: string) => (/['\t\u2028]/.test(text) || isTrue(g) ? JSON.stringify(text) : `'${text}'`);
  const note = () => pick(g, ['', '', ' # é, "x" = [1]', '\t#']);
  const gap = () => pick(g, ['', '', newline, `# between${newline}`, `  # [no.table]${newline}${newline}`]);
  const indentation = pick(g, ['', '  ', '\t']);
  const array = (items: readonly string[], canBreak: boolean) => {
    if (!canBreak || isTrue(g)) return `[${items.join(', ')}${items.length > 0 && isTrue(g) ? ',' : ''}]`;
    return `[${newline}${items.map((item) => `    ${item},${note()}${newline}`).join('')}${indentation}]`;
  };
  const isRemote = isTrue(g);
  const hasArgs = isTrue(g);
  const style = pick(g, ['tables', 'dotted', 'inline'] as const);
  const scalars: readonly (readonly [string, string])[] = shuffled(g, [
    ...(isRemote
      ? [['url', string('https://example.com/mcp')] as const]
      : [
          [
            'command',
            string(
              pick(
                g,
                WORDS.filter((word) => word !== ''),
              ),
            ),
          ] as const,
        ]),
    ...(isRemote && isTrue(g) ? [['bearer_token_env_var', string('TOKEN')] as const] : []),
    ...(!isRemote && hasArgs ? [['args', array(words(g, 3).map(string), style !== 'inline')] as const] : []),
    ...(isTrue(g) ? [['startup_timeout_sec', '1_0.5'] as const] : []),
    ...(isTrue(g) ? [['since', '1979-05-27T07:32:00Z'] as const] : []),
  ]);
  const maps: readonly (readonly [string, string, string])[] = isRemote
    ? [
        ...(isTrue(g) ? [['http_headers', 'X-A', string('a')] as const] : []),
        ...(isTrue(g) ? [['env_http_headers', 'X-B', string('B_VAR')] as const] : []),
      ]
    : [...(isTrue(g) ? [['env', 'K', string('v')] as const] : [])];
  const foreign = () =>
    pick(g, ['', `[foreign.${g(fc.nat, { max: 1e6 })}]${newline}a = """${newline}[mcp_servers.no]${newline}"""${newline}`]);
  const own = key(name);
  const path = `mcp_servers${pick(g, ['.', ' . '])}${own}`;
  const lines: readonly string[] =
    style === 'inline'
      ? [
          `mcp_servers = { ${own} = { ${[...scalars.map(([k, v]) => `${k} = ${v}`), ...maps.map(([m, k, v]) => `${m} = { ${key(k)} = ${v} }`)].join(', ')} } }`,
        ]
      : style === 'dotted'
        ? [...scalars.map(([k, v]) => `${path}.${k} = ${v}${note()}`), ...maps.map(([m, k, v]) => `${path}.${m}.${key(k)} = ${v}${note()}`)]
        : [
            `[${path}]${note()}`,
            ...scalars.flatMap(([k, v]) => [`${gap()}${indentation}${k}${pick(g, ['=', ' = ', '\t='])} ${v}${note()}`]),
            ...maps
              .flatMap(([m, k, v]) => [foreign().trimEnd(), `${gap()}[${path}.${m}]${note()}`, `${gap()}${key(k)} = ${v}${note()}`])
              .filter((line) => line !== ''),
          ];
  const head = `# first${newline}top = 1${newline}`;
  const body = lines.join(newline);
  const end = pick(g, ['', newline, `${newline}# last`, `${newline}${newline}[[last]]${newline}a = 1${newline}[[last]]${newline}`]);
  const start = pick(g, ['', '\ufeff']) + (style === 'tables' ? head + pick(g, ['', `[a.b]${newline}c = 1${newline}`]) : head);
  return {
    ...{ text: start + body + end, format: 'toml', shape: 'codex', at: ['mcp_servers', name], isRemote, hasArgs },
    elsewhere: { behind: `# first${newline}`, put: `added = [1, 2] # by somebody${newline}` },
    inside: style === 'tables' ? { behind: lines[0] ?? '', put: `${newline}added = 'x'` } : undefined,
  };
}

/** YAML in blocks and in brackets, with all ways to quote, and comments. */
export function oddYaml(g: Choose): OddFile {
  const newline = pick(g, ['\n', '\r\n']);
  const isList = isTrue(g);
  const step = pick(g, ['  ', '    ', ' ']);
  const name = pick(g, NAMES);
  const scalar = (text: string) => {
    if (/^[A-Za-z][\w./@-]*$/.test(text) && !/^(?:true|false|null)$/.test(text) && isTrue(g)) return text;
    return isTrue(g) && !/[\t\u2028]/.test(text) ? `'${text.replaceAll("'", "''")}'` : JSON.stringify(text);
  };
  const note = () => pick(g, ['', '', ' # é: [1', '   #']);
  const gap = () => pick(g, ['', '', '', newline, `# between${newline}`, `      # deep: {${newline}`]);
  const pairs = (entries: readonly (readonly [string, string | readonly string[]])[], indentation: string) =>
    entries.map(([key, value]) => `${indentation}${scalar(key)}:${typeof value === 'string' ? ` ${value}${note()}` : value.join('')}`);
  const sequence = (items: readonly string[], indentation: string): string | readonly string[] => {
    if (items.length === 0 || isTrue(g)) return `[${items.map((item) => item).join(', ')}]`;
    const own = isTrue(g) ? indentation : indentation + step;
    return [note(), ...items.map((item) => `${newline}${gap()}${own}-${pick(g, [' ', '   '])}${item}${note()}`)];
  };
  const map = (key: string, value: string, indentation: string): string | readonly string[] =>
    isTrue(g) ? `{ ${key}: ${value} }` : [note(), `${newline}${gap()}${indentation}${step}${key}: ${value}${note()}`];
  const shape: ShapeId = isList ? 'continue' : 'goose';
  const dash = pick(g, ['', step]);
  // Behind a dash the first member says where the others begin.
  const outer = isList ? `${dash}  ` : step + step;
  const isRemote = isTrue(g);
  const hasArgs = isTrue(g);
  const url = 'https://example.com/mcp';
  const inner: readonly (readonly [string, string | readonly string[]])[] = [
    ...(isRemote
      ? [[isList ? 'url' : 'uri', scalar(url)] as const]
      : [
          [
            isList ? 'command' : 'cmd',
            scalar(
              pick(
                g,
                WORDS.filter((word) => word !== ''),
              ),
            ),
          ] as const,
        ]),
    ...(!isRemote && hasArgs ? [['args', sequence(words(g, 3).map(scalar), outer)] as const] : []),
    ...(isRemote && !isList && isTrue(g) ? [['headers', map('X-A', scalar('v'), outer)] as const] : []),
    ...(isTrue(g) && !isRemote ? [[isList ? 'env' : 'envs', map('K', scalar('v'), outer)] as const] : []),
    ...(isTrue(g) ? [['timeout', '0o17'] as const] : []),
    ...(isTrue(g) ? [['description', [` |`, `${newline}${outer}${step}two`, `${newline}${outer}${step}lines`]] as const] : []),
  ];
  const type: readonly (readonly [string, string])[] = [['type', isRemote ? (isList ? 'streamable-http' : 'streamable_http') : 'stdio']];
  const members = shuffled(g, [...type, ...inner, ...(isList ? [['name', JSON.stringify(name)] as const] : [])]);
  const [first = '', ...rest] = pairs(members, outer);
  const lines = rest.map((line) => gap() + line);
  const body = isList
    ? [`${dash}- ${first.trimStart()}`, ...lines].join(newline)
    : [`${step}${JSON.stringify(name)}:${note()}`, first, ...lines].join(newline);
  const key = isList ? 'mcpServers' : 'extensions';
  const others = isList ? `${dash}- name: other${newline}${dash}  command: a${newline}` : `${step}other: {type: stdio, cmd: a}${newline}`;
  const head = `# first${newline}top: 1${newline}`;
  const end = pick(g, ['', newline, `${newline}# last`, `${newline}after: [1, 2]${newline}`]);
  const text = `${pick(g, ['', '\ufeff'])}${head}${key}:${note()}${newline}${isTrue(g) ? others : ''}${body}${end}`;
  return {
    ...{ text, format: 'yaml', shape, at: isList ? [key, { name }] : [key, name], isRemote, hasArgs },
    elsewhere: { behind: `# first${newline}`, put: `added: [1, 2] # by somebody${newline}` },
    inside: undefined,
  };
}
