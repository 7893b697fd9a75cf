/** Configuration files in the ways that people and programs write them. */
import { isObject, type Json } from '../../../src/core/json.ts';
import type { ShapeId } from '../../../src/setup/clients/ids.ts';
import { SHAPES } from '../../../src/setup/clients/shapes.ts';
import type { FileFormat } from '../../../src/setup/clients/types.ts';

const map = (entries: Readonly<Record<string, Json>>): Json => new Map(Object.entries(entries));

/** An entry with a command, variables with a reference, and a member that nobody knows. */
export function localEntry(id: ShapeId): Json {
  const shape = SHAPES[id];
  const words = ['npx', '-y', 'pkg@1'];
  const type: Readonly<Record<string, Json>> = shape.needsType ? { type: shape.local ?? '' } : {};
  const command: Readonly<Record<string, Json>> = shape.isOneList
    ? { [shape.command]: words }
    : { [shape.command]: 'npx', [shape.args]: words.slice(1) };
  return map({ ...type, ...command, [shape.env]: map({ K: 'a ${K}' }), 'x-unknown': map({ deep: ['1', true] }) });
}

/** An entry with a URL and a header. */
export function remoteEntry(id: ShapeId): Json | undefined {
  const shape = SHAPES[id];
  const [url] = Object.keys(shape.urls);
  if (url === undefined) return undefined;
  const headers = [...shape.headers].reverse().reduce<Json>((inner, key) => map({ [key]: inner }), map({ 'X-Key': 'v ${K}' }));
  const types: Readonly<Partial<Record<ShapeId, string>>> = {
    opencode: 'remote',
    goose: 'streamable_http',
    claude: 'http',
    vscode: 'http',
    cline: 'streamableHttp',
    roo: 'streamable-http',
    crush: 'http',
  };
  const type = types[id];
  return map({
    ...(type === undefined ? {} : { type }),
    [url]: 'https://example.com/mcp',
    ...(isObject(headers) ? Object.fromEntries(headers) : {}),
    'x-unknown': 'kept',
  });
}

export type Layout = 'plain' | 'tabs' | 'one-line' | 'crlf' | 'mark' | 'comments' | 'trailing-comma' | 'no-newline';
export const LAYOUTS: readonly Layout[] = ['plain', 'tabs', 'one-line', 'crlf', 'mark', 'comments', 'trailing-comma', 'no-newline'];

export interface NamedEntry {
  readonly name: string;
  readonly entry: Json;
}

/** A file with entries at a place, between members of somebody else's. */
export function fileOf(format: FileFormat, at: readonly string[], isList: boolean, entries: readonly NamedEntry[], layout: Layout): string {
  const servers: Json = isList
    ? entries.map(({ name, entry }) => new Map([['name', name as Json], ...(isObject(entry) ? entry : [])]))
    : new Map(entries.map(({ name, entry }) => [name, entry]));
  const nested = [...at].reverse().reduce<Json>((inner, key) => new Map([[key, inner]]), servers);
  const root = new Map<string, Json>([
    ['before', 'héllo "q" \u2028'],
    ...(isObject(nested) ? nested : []),
    ['after', [{ number: '1.50' }, true]],
  ]);
  const text = format === 'json' ? jsonFile(root, layout) : format === 'toml' ? tomlFile(root, layout) : yamlFile(root, layout);
  const ended = layout === 'no-newline' ? text.trimEnd() : `${text.trimEnd()}\n`;
  return (layout === 'mark' ? '\ufeff' : '') + (layout === 'crlf' ? ended.replaceAll('\n', '\r\n') : ended);
}

function plainOf(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, member]) => [key, plainOf(member)]));
  if (Array.isArray(value)) return value.map(plainOf);
  return typeof value === 'object' && value !== null && 'number' in value ? Number(value.number) : value;
}

function jsonFile(root: Json, layout: Layout): string {
  const indentation = layout === 'one-line' ? undefined : layout === 'tabs' ? '\t' : 2;
  const text = JSON.stringify(plainOf(root), null, indentation);
  if (layout === 'comments')
    return `// first\n${text.replace(/^(\s*)("\w[^\n]*)$/gm, '$1/* é */ $2 // who, what: {"a": [1,]}')}\n/* last */`;
  return layout === 'trailing-comma'
    ? text.replace(/(["\]}\w])\n(\s*[\]}])/g, '$1,\n$2').replace(/(["\]}\w])\n(\s*[\]}])/g, '$1,\n$2')
    : text;
}

/** Tables where they can be, inline where the layout says so. */
function tomlFile(root: Json, layout: Layout): string {
  const lines: string[] = [];
  const note = layout === 'comments' ? ' # who, "what" = [1]' : '';
  const indentation = layout === 'tabs' ? '\t' : '';
  const key = (name: string) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name));
  const inline = (value: Json): string => {
    if (value instanceof Map) return `{ ${Array.from(value, ([name, member]) => `${key(name)} = ${inline(member)}`).join(', ')} }`;
    if (Array.isArray(value))
      return layout === 'trailing-comma'
        ? `[\n${value.map((item) => `  ${inline(item)},\n`).join('')}]`
        : `[${value.map(inline).join(', ')}]`;
    return typeof value === 'object' && value !== null && 'number' in value ? value.number : JSON.stringify(value);
  };
  const table = (value: ReadonlyMap<string, Json>, path: readonly string[]) => {
    const isInline = (member: Json) => !(member instanceof Map) || (layout === 'one-line' && path.length > 0);
    for (const [name, member] of value) if (isInline(member)) lines.push(`${indentation}${key(name)} = ${inline(member)}${note}`);
    for (const [name, member] of value) {
      if (isInline(member) || !(member instanceof Map)) continue;
      lines.push('', `[${[...path, name].map(key).join('.')}]${note}`);
      table(member, [...path, name]);
    }
  };
  if (isObject(root)) table(root, []);
  return lines.join('\n');
}

function yamlFile(root: Json, layout: Layout): string {
  const note = layout === 'comments' ? ' # who, "what": [1]' : '';
  const scalar = (value: Json) => (typeof value === 'string' && /^[a-z][\w./@-]*$/i.test(value) ? value : jsonText(value));
  const lines = (value: Json, indentation: string): readonly string[] => {
    if (value instanceof Map) return Array.from(value, ([name, member]) => pair(name, member, indentation)).flat();
    if (!Array.isArray(value)) return [indentation + scalar(value)];
    return value.flatMap((item) => {
      const [first = '', ...rest] = lines(item, `${indentation}  `);
      return [`${indentation}- ${first.trimStart()}`, ...rest];
    });
  };
  const pair = (name: string, member: Json, indentation: string): readonly string[] => {
    const isShort = !(member instanceof Map || Array.isArray(member)) || layout === 'one-line';
    if (isShort) return [`${indentation}${name}: ${layout === 'one-line' ? flow(member) : scalar(member)}${note}`];
    return [
      `${indentation}${name}:${note}`,
      ...lines(member, layout === 'tabs' && Array.isArray(member) ? indentation : `${indentation}  `),
    ];
  };
  const flow = (value: Json): string => {
    if (value instanceof Map) return `{${Array.from(value, ([name, member]) => `${name}: ${flow(member)}`).join(', ')}}`;
    return Array.isArray(value) ? `[${value.map(flow).join(', ')}]` : scalar(value);
  };
  return lines(root, '').join('\n');
}

function jsonText(value: Json): string {
  return typeof value === 'object' && value !== null && 'number' in value ? value.number : JSON.stringify(value);
}
