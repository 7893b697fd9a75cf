/** Reads entries: a command, a URL, or neither; and why one has to be left as it is. */
import { isArray, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { gatewayOf } from './gateways.ts';
import type { ShapeId } from './ids.ts';
import { type EntryShape, SHAPES } from './shapes.ts';
import type { LocalEntry, OtherEntry, RemoteEntry, ServerEntry } from './types.ts';
import { valueAt } from './values.ts';

export interface ReadEntry {
  readonly entry: ServerEntry;
  readonly disabled: boolean;
  readonly leave: string | undefined;
}

/** Words that clients have for one transport. */
const TYPES: Readonly<Record<string, 'local' | 'http' | 'sse' | 'ws'>> = {
  stdio: 'local',
  local: 'local',
  http: 'http',
  remote: 'http',
  'streamable-http': 'http',
  streamable_http: 'http',
  streamableHttp: 'http',
  sse: 'sse',
  ws: 'ws',
  websocket: 'ws',
};

/** Reads one entry in the way that its client writes them. */
export function readEntry(value: Json, id: ShapeId): ReadEntry {
  const shape = SHAPES[id];
  if (!isObject(value)) return { entry: other(value, 'its entry is no map'), disabled: false, leave: 'its entry is no map' };
  const entry = entryOf(value, shape, id);
  return { entry, disabled: isOff(value, shape), leave: reasonToLeave(entry, shape) };
}

/** The map that command, arguments and URL stand in: the entry, or one in it. */
export function partOf(
  value: JsonObject,
  { nested }: EntryShape,
): { readonly at: readonly string[]; readonly part: JsonObject; readonly command?: string } {
  const part = nested && value.get(nested.key);
  return nested && isObject(part) ? { at: [nested.key], part, command: nested.command } : { at: [], part: value };
}

function isOff(value: JsonObject, { off }: EntryShape): boolean {
  return off !== undefined && value.get(off[0]) === off[1];
}

function entryOf(value: JsonObject, shape: EntryShape, id: ShapeId): ServerEntry {
  const { part, command: nestedCommand } = partOf(value, shape);
  const command = part.get(nestedCommand ?? shape.command);
  const urlKey = Object.keys(shape.urls).find((key) => part.has(key));
  const type = part.get('type');
  const word = typeof type === 'string' ? (Object.hasOwn(TYPES, type) ? TYPES[type] : undefined) : undefined;
  if (type !== undefined && word === undefined)
    return other(value, `its type is ${JSON.stringify(type)}, which is no server that can be started or called`);
  if (command !== undefined && urlKey !== undefined)
    return other(value, 'it has both a command and a URL: clients take one or refuse both');
  if (command !== undefined)
    return word === undefined || word === 'local'
      ? localOf(value, part, command, shape)
      : other(value, 'it has a command, and its type is another');
  if (urlKey === undefined) return other(value, missing(id));
  if (word === 'local') return other(value, 'it has a URL, and its type is a command');
  return remoteOf(value, part, urlKey, word, shape);
}

function missing(id: ShapeId): string {
  return id === 'codex'
    ? 'it has neither command nor URL: it may complete the entry of another file'
    : 'it has neither command nor URL: nothing to start';
}

function localOf(value: Json, part: JsonObject, command: Json, shape: EntryShape): LocalEntry | OtherEntry {
  const stray = shape.isStrict && remoteKeys(shape).find((key) => part.has(key));
  if (stray) return other(value, `it has a command and ${JSON.stringify(stray)}: its client refuses the whole file for that`);
  const list = part.get(shape.args) ?? [];
  const words = shape.isOneList ? command : [command, ...(isArray(list) ? list : [null])];
  const texts = isArray(words) ? textsOf(words) : undefined;
  const [program, ...args] = texts ?? [];
  if (program === undefined || program === '') return other(value, 'its command or arguments are no text');
  const env = entriesOf(part.get(shape.env));
  const cwd = part.get(shape.cwd);
  return { kind: 'local', value, command: program, args, env, cwd: typeof cwd === 'string' ? cwd : undefined };
}

function remoteKeys({ headers, logins, bearerVariable, headerVariables }: EntryShape): readonly string[] {
  return [...headers.slice(0, 1), ...logins, bearerVariable, headerVariables].filter((key) => key !== undefined);
}

function remoteOf(
  value: Json,
  part: JsonObject,
  urlKey: string,
  word: 'http' | 'sse' | 'ws' | undefined,
  shape: EntryShape,
): RemoteEntry | OtherEntry {
  const url = part.get(urlKey);
  if (typeof url !== 'string' || url === '') return other(value, 'its URL is no text');
  const bearer = shape.bearerVariable === undefined ? undefined : part.get(shape.bearerVariable);
  return {
    ...{ kind: 'remote', value, url },
    transport: word ?? (/^wss?:/i.test(url) ? 'ws' : (shape.urls[urlKey] ?? 'http')),
    headers: entriesOf(valueAt(part, shape.headers)),
    headerVariables: shape.headerVariables === undefined ? new Map() : entriesOf(part.get(shape.headerVariables)),
    bearerVariable: typeof bearer === 'string' ? bearer : undefined,
    oauth: shape.logins.some((key) => part.has(key) && part.get(key) !== false),
  };
}

function other(value: Json, why: string): OtherEntry {
  return { kind: 'other', value, why };
}

function textsOf(list: readonly Json[]): readonly string[] | undefined {
  return list.every((item) => typeof item === 'string') ? list : undefined;
}

/** Names and texts of a map; numbers as they are written, all else left out. */
function entriesOf(value: Json | undefined): ReadonlyMap<string, string> {
  if (!isObject(value)) return new Map();
  return new Map(
    Array.from(value, ([key, member]) => [key, textOf(member)] as const).filter((pair) => pair[1] !== undefined) as [string, string][],
  );
}

function textOf(value: Json): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null && 'number' in value ? value.number : undefined;
}

function reasonToLeave(entry: ServerEntry, shape: EntryShape): string | undefined {
  if (entry.kind === 'other') return entry.why;
  if (entry.kind === 'local') return reasonForSandbox(entry) ?? reasonForLine(entry) ?? gatewayOf([entry.command, ...entry.args]);
  return reasonForRemote(entry, shape);
}

/** VS Code: a server in its sandbox may not write where Intercept keeps its state. */
function reasonForSandbox({ value }: LocalEntry): string | undefined {
  const isBarred = isObject(value) && value.get('sandboxEnabled') === true;
  return isBarred ? 'its sandbox ("sandboxEnabled") bars the folder that Intercept keeps its state in' : undefined;
}

/** Some clients split a line into words, each in a way of its own. A path may have blanks. */
function reasonForLine({ command, args }: LocalEntry): string | undefined {
  const isLine = args.length === 0 && /\S\s+\S/.test(command) && !/^(?:[A-Za-z]:)?[\\/]|^["'~$]/.test(command);
  return isLine ? 'its command is a whole line: write its first word as the command, and the others as arguments' : undefined;
}

function reasonForRemote({ value, url, transport, headers }: RemoteEntry, shape: EntryShape): string | undefined {
  if (transport === 'ws') return 'it is reached over WebSocket, which no bridge carries';
  const { part } = partOf(isObject(value) ? value : new Map(), shape);
  const bar = Object.keys(shape.bars).find((key) => part.has(key));
  if (bar !== undefined) return shape.bars[bar];
  const withheld = [...headers.values()].flatMap((text) => text.match(/\w+/g) ?? []).find((word) => shape.withheld?.test(word));
  if (withheld !== undefined) return `its client keeps ${JSON.stringify(withheld)} from servers, and Intercept would send it`;
  return reasonForUrl(url);
}

/** A URL comes into the arguments of a process, which others on the machine can read, and which clients expand. */
function reasonForUrl(text: string): string | undefined {
  if (/[$`{}%]|[\p{Cc}\s]/u.test(text.replace(/%[0-9A-Fa-f]{2}/g, '')))
    return 'its URL holds a reference, which clients do not resolve in arguments alike';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return 'its URL is none of HTTP';
  if (url.username !== '' || url.password !== '') return HIDDEN;
  const isSecret = (word: string) => word.length >= 20 && /\d/.test(word) && /[A-Za-z]/.test(word);
  if (Array.from(url.searchParams).some(([name, word]) => SECRET.test(name) || isSecret(word))) return HIDDEN;
  return url.pathname.split('/').some(isSecret) ? HIDDEN : undefined;
}

const SECRET = /key|token|secret|auth|passw|sig|cred|code|jwt|session/i;
const HIDDEN = 'its URL seems to hold a secret, which would stand in the arguments of a process: move it into a header';
