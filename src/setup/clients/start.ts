/** The server that an entry means, as its client starts or calls it: references resolved, nothing run. */
import { resolveReferences } from './references.ts';
import { SHAPES } from './shapes.ts';
import type { ClientServer, World } from './types.ts';

export type ServerStart =
  | {
      readonly kind: 'local';
      readonly command: string;
      readonly args: readonly string[];
      /** The entry's own variables. Which others the client passes on is not in the file. */
      readonly env: Readonly<Record<string, string>>;
      readonly cwd: string | undefined;
    }
  | {
      readonly kind: 'remote';
      readonly url: string;
      readonly transport: 'http' | 'sse' | 'ws';
      readonly headers: Readonly<Record<string, string>>;
    }
  /** The client asks the person for these, by id; give answers for them. */
  | { readonly kind: 'asks'; readonly ids: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string };

/** Resolves all references of an entry. `answers`: what the person said to ids that were asked for. */
export function startOf(server: ClientServer, world: World, answers: ReadonlyMap<string, string> = new Map()): ServerStart {
  const { entry, shape, readers } = server;
  if (entry.kind === 'other') return { kind: 'unknown', why: entry.why };
  const asked = new Set<string>();
  const unknown: string[] = [];
  const project = readers.find((reader) => reader.project !== undefined)?.project ?? world.cwd;
  const known = (text: string): string => {
    const resolved = resolveReferences(text, SHAPES[shape].references, world, { project, answers });
    if (resolved.kind === 'value') return resolved.value;
    if (resolved.kind === 'asks') for (const id of resolved.ids) asked.add(id);
    else unknown.push(`${JSON.stringify(resolved.reference)} cannot be resolved: ${resolved.why}`);
    return '';
  };
  const all = (texts: ReadonlyMap<string, string>) => Object.fromEntries(Array.from(texts, ([name, text]) => [name, known(text)]));
  const start: ServerStart =
    entry.kind === 'local'
      ? {
          kind: 'local',
          command: known(entry.command),
          args: entry.args.map(known),
          env: all(entry.env),
          cwd: entry.cwd === undefined ? undefined : known(entry.cwd),
        }
      : {
          kind: 'remote',
          url: known(entry.url),
          transport: entry.transport,
          headers: { ...all(entry.headers), ...fromVariables(entry, world, unknown) },
        };
  const [why] = unknown;
  if (why !== undefined) return { kind: 'unknown', why };
  return asked.size > 0 ? { kind: 'asks', ids: [...asked] } : start;
}

/** Headers whose value a variable holds. */
function fromVariables(
  entry: Extract<ClientServer['entry'], { kind: 'remote' }>,
  { env }: World,
  unknown: string[],
): Readonly<Record<string, string>> {
  const value = (name: string): string => {
    const own = env[name];
    if (own === undefined) unknown.push(`the variable ${JSON.stringify(name)} is not set`);
    return own ?? '';
  };
  const headers = Array.from(entry.headerVariables, ([name, variable]): [string, string] => [name, value(variable)]);
  const bearer: [string, string][] = entry.bearerVariable === undefined ? [] : [['Authorization', `Bearer ${value(entry.bearerVariable)}`]];
  return Object.fromEntries([...headers, ...bearer]);
}
