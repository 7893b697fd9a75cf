/** Turns a remote entry into one that starts Intercept before the same server: its headers move into variables. */
import { isObject, type JsonObject } from '../../core/json.ts';
import { EditRefused } from './edit.ts';
import { frontWords } from './front.ts';
import { addition, both, type EntryPlan, envChanges, NOTHING, removal } from './plan.ts';
import { partOf } from './read.ts';
import type { EntryShape } from './shapes.ts';
import type { Change, EntryValue, Front, RemoteEntry } from './types.ts';
import { valueAt, written } from './values.ts';

interface Bridging {
  readonly shape: EntryShape;
  readonly front: Front;
  readonly entry: RemoteEntry;
  readonly part: JsonObject;
  /** Keys from the entry to the part. */
  readonly at: readonly string[];
  readonly urlKey: string;
  readonly commandKey: string;
}

/** The changes of a remote entry, and what takes them back. Throws `EditRefused`. */
export function bridgeChanges(value: JsonObject, shape: EntryShape, front: Front, entry: RemoteEntry): EntryPlan {
  const { at, part, command = shape.command } = partOf(value, shape);
  const urlKey = Object.keys(shape.urls).find((key) => part.has(key)) ?? '';
  const bridging: Bridging = { shape, front, entry, part, at, urlKey, commandKey: command };
  refuseMixed(bridging);
  const names = variablesFor(bridging);
  const flags = [...flagsFor(entry.headers, names), ...flagsOfVariables(entry)];
  const plans = [
    programChanges(bridging, flags),
    typeChanges(bridging),
    headerChanges(bridging, names),
    passedVariables(bridging),
    goneMembers(bridging),
  ];
  return { changes: plans.flatMap(({ changes }) => changes), undo: plans.flatMap(({ undo }) => undo) };
}

/** Refuses a remote entry with keys of a command: clients refuse both, or take either. */
function refuseMixed({ part, shape, commandKey }: Bridging): void {
  const stray = [
    commandKey,
    ...(shape.isOneList ? [] : [shape.args]),
    ...(shape.passes === undefined ? [] : [shape.passes, shape.env]),
  ].find((key) => part.has(key));
  if (stray !== undefined)
    throw new EditRefused(`it has a URL and ${JSON.stringify(stray)}: its client refuses that, or takes one of them`);
}

/** A variable for each header. SECURITY: some clients drop variables whose name looks like a secret's. */
function variablesFor({ part, shape, entry }: Bridging): ReadonlyMap<string, string> {
  const headers = valueAt(part, shape.headers);
  if (isObject(headers) && headers.size !== entry.headers.size) throw new EditRefused('the value of a header is no text');
  const env = part.get(shape.env);
  const isFree = (name: string) => !isObject(env) || !env.has(name);
  const free = Array.from({ length: entry.headers.size + (isObject(env) ? env.size : 0) }, (_, index) => `ICPT_H${index}`).filter(isFree);
  return new Map(Array.from(entry.headers.keys(), (name, index) => [name, free[index] ?? '']));
}

function flagsFor(headers: ReadonlyMap<string, string>, names: ReadonlyMap<string, string>): readonly string[] {
  return Array.from(headers.keys()).flatMap((name) => ['--header-env', `${headerName(name)}=${names.get(name)}`]);
}

function headerName(name: string): string {
  if (!/^[A-Za-z0-9!#&'*+.^_|~-]+$/.test(name))
    throw new EditRefused(`the header ${JSON.stringify(name)} has a name that arguments cannot carry`);
  return name;
}

/** Codex names variables. It expands nothing, so that the reference reaches Intercept. */
function flagsOfVariables({ bearerVariable, headerVariables }: RemoteEntry): readonly string[] {
  const bearer = bearerVariable === undefined ? [] : ['--header', `Authorization: Bearer \${${variableName(bearerVariable)}}`];
  return [
    ...bearer,
    ...Array.from(headerVariables, ([name, variable]) => ['--header-env', `${headerName(name)}=${variableName(variable)}`]).flat(),
  ];
}

function variableName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new EditRefused(`${JSON.stringify(name)} is no name of a variable`);
  return name;
}

/** The URL's key becomes the command's: it stays where it stood. */
function programChanges({ shape, front, entry, at, urlKey, commandKey }: Bridging, flags: readonly string[]): EntryPlan {
  const words = [...frontWords(front), '--upstream', entry.url, ...flags];
  const url = [...at, urlKey];
  const value: EntryValue = shape.isOneList ? { list: [front.program, ...words] } : front.program;
  const rename: Change = { kind: 'rename', at: url, key: commandKey };
  const undo: readonly Change[] = [
    { kind: 'set', at: [...at, commandKey], value: entry.url },
    { kind: 'rename', at: [...at, commandKey], key: urlKey },
  ];
  const set: Change = { kind: 'set', at: url, value };
  if (shape.isOneList) return { changes: [set, rename], undo };
  const args: Change = { kind: 'add', at, key: shape.args, value: { list: words }, after: urlKey };
  return { changes: [set, rename, args], undo: [...undo, { kind: 'remove', at, key: shape.args }] };
}

function typeChanges({ shape, part, at, urlKey, commandKey }: Bridging): EntryPlan {
  const type = part.get('type');
  const path = [...at, 'type'];
  if (type === undefined) return shape.needsType && shape.local !== undefined ? addition(at, 'type', shape.local, urlKey) : NOTHING;
  if (shape.local === undefined) return removal(part, at, 'type', commandKey);
  return { changes: [{ kind: 'set', at: path, value: shape.local }], undo: [{ kind: 'set', at: path, value: written(type) }] };
}

/** Headers become variables, each with the very text of its value: references stay what they are. */
function headerChanges(bridging: Bridging, names: ReadonlyMap<string, string>): EntryPlan {
  const { shape, front, part, at, commandKey } = bridging;
  const headers = valueAt(part, shape.headers);
  const more = Object.entries(front.env);
  const [key = '', ...deeper] = shape.headers;
  const rest = deeper.length > 0 || part.has(shape.env) || names.size === 0;
  if (!isObject(headers) || rest) {
    return both(part.has(key) ? removal(part, at, key, commandKey) : NOTHING, addedVariables(bridging, more, names));
  }
  const path = [...at, key];
  const last = [...headers.keys()].at(-1) ?? '';
  return {
    changes: [
      ...Array.from(names, ([name, variable]): Change => ({ kind: 'rename', at: [...path, name], key: variable })),
      { kind: 'rename', at: path, key: shape.env },
      ...more.map(([name, value]): Change => ({ kind: 'add', at: path, key: name, value, after: last })),
    ],
    undo: [
      ...Array.from(names, ([name, variable]): Change => ({ kind: 'rename', at: [...at, shape.env, variable], key: name })),
      { kind: 'rename', at: [...at, shape.env], key, only: [...names.values(), ...more.map(([name]) => name)] },
      ...more.map(([name]): Change => ({ kind: 'remove', at: [...at, shape.env], key: name })),
    ],
  };
}

/** Variables beside those that are there already, with copies of the headers' values. */
function addedVariables(
  { shape, part, at, urlKey }: Bridging,
  more: readonly (readonly [string, string])[],
  names: ReadonlyMap<string, string>,
): EntryPlan {
  const copies = Array.from(names, ([name, variable]): readonly [string, EntryValue] => [
    variable,
    { copy: [...at, ...shape.headers, name] },
  ]);
  return envChanges(part, at, shape, [...copies, ...more], urlKey);
}

/** Codex passes on few variables by itself; those of headers have to be named. */
function passedVariables({ shape: { passes, bearerVariable: bearer = '' }, part, entry, at, urlKey }: Bridging): EntryPlan {
  const own = entry.bearerVariable === undefined ? [] : [entry.bearerVariable];
  const names = [...new Set([...own, ...entry.headerVariables.values()])];
  if (passes === undefined || names.length === 0) return NOTHING;
  const was = part.get(bearer);
  if (was === undefined) return addition(at, passes, { list: names }, urlKey);
  const path = [...at, passes];
  return {
    changes: [
      { kind: 'set', at: [...at, bearer], value: { list: names } },
      { kind: 'rename', at: [...at, bearer], key: passes },
    ],
    undo: [
      { kind: 'set', at: path, value: written(was) },
      { kind: 'rename', at: path, key: bearer },
    ],
  };
}

/** Takes away what a command may not have: logins, and headers that come from variables. */
function goneMembers({ shape, part, at, commandKey }: Bridging): EntryPlan {
  const keys = [...shape.logins, shape.headerVariables ?? ''].filter((key) => part.has(key));
  return keys.map((key) => removal(part, at, key, commandKey)).reduce(both, NOTHING);
}
