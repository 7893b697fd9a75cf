/** Finds the files of all clients, each real one once, and reads the servers in them. Nothing is started or written. */
import { isObject, type Json } from '../../core/json.ts';
import { FORMATS } from './format/formats.ts';
import { decodeText, MAX_FILE } from './format/text.ts';
import { memberOf, type ObjectTree, type Tree, UnreadableText, valueIn } from './format/tree.ts';
import { gateOf, type ListGate } from './gates.ts';
import type { ClientId } from './ids.ts';
import { existing, folderOf, pathsFor } from './paths.ts';
import { foldersFrom, knownProjects } from './projects.ts';
import { readEntry } from './read.ts';
import type { ClientRow, FileRow } from './rows/row.ts';
import { SHAPES } from './shapes.ts';
import { CLIENTS } from './table.ts';
import type { ClientFile, ClientServer, EntryPath, FileFormat, Reader, World } from './types.ts';
import { valueAt } from './values.ts';
import { windowsWorlds } from './wsl.ts';

export interface ClientMap {
  readonly files: readonly ClientFile[];
  /** Clients that seem to be on this machine. `configured`: one of them has a server. */
  readonly clients: readonly { readonly id: ClientId; readonly name: string; readonly configured: boolean }[];
  /** Files that start servers and cannot be rewritten: a sentence each. */
  readonly beside: readonly { readonly client: ClientId; readonly path: string; readonly says: string }[];
}

export interface FindOptions {
  /** here: the project of the current folder. known: those that clients have a list of, too. */
  readonly projects?: 'here' | 'known';
}

/** A row of the table that means this file. */
interface Claim {
  readonly client: ClientRow;
  readonly row: FileRow;
  readonly path: string;
  readonly project: string | undefined;
}

/** All files that clients of this machine read for the user, and for projects. */
export function findClientFiles(world: World, { projects = 'here' }: FindOptions = {}): ClientMap {
  const folders = [...new Set([...foldersFrom(world.cwd, world), ...(projects === 'known' ? knownProjects(world) : [])])];
  const claims = withoutOlder([undefined, ...folders].flatMap((project) => CLIENTS.flatMap((client) => claimsOf(client, world, project))));
  const installed = new Set(CLIENTS.filter((client) => isInstalled(client, claims, world)).map(({ id }) => id));
  const files = Map.groupBy(claims, ({ path }) => world.disk.realPath(path) ?? path);
  const gate = gateOf(world, folders);
  const ours = Array.from(files, ([realPath, group]) => gated(readFile(realPath, group, installed, world), gate));
  const isConfigured = (id: ClientId) =>
    ours.some(({ servers }) => servers.some(({ readers }) => readers.some(({ client }) => client === id)));
  const foreign = windowsWorlds(world).flatMap(foreignFiles);
  return {
    files: [...ours, ...foreign],
    clients: CLIENTS.filter(({ id }) => installed.has(id)).map(({ id, name }) => ({ id, name, configured: isConfigured(id) })),
    beside: CLIENTS.flatMap((client) => besides(client, world, [undefined, ...folders])),
  };
}

/** A file that its client has moved on from is dead, and an entry in it would only look like a way around. */
function withoutOlder(claims: readonly Claim[]): readonly Claim[] {
  const moved = new Set(claims.filter(({ row }) => row.scope === 'user' && !row.isOlder).map(({ client }) => client));
  return claims.filter(({ client, row }) => !row.isOlder || !moved.has(client));
}

function gated(file: ClientFile, gate: ListGate): ClientFile {
  return { ...file, servers: file.servers.map((server) => ({ ...server, leave: server.leave ?? gate(server) })) };
}

function claimsOf(client: ClientRow, world: World, project: string | undefined): readonly Claim[] {
  return client.files
    .filter(({ path }) => isOfProject(path) === (project !== undefined))
    .flatMap((row) => existing(row.path, world, project).map((path) => ({ client, row, path, project })))
    .filter(({ path }) => world.disk.look(path)?.kind !== 'folder');
}

function isOfProject(path: FileRow['path']): boolean {
  return (typeof path === 'string' ? [path] : Object.values(path)).some((text) => text.startsWith('P/'));
}

function isInstalled(client: ClientRow, claims: readonly Claim[], world: World): boolean {
  if (client.installed.length > 0) return client.installed.some((path) => existing(path, world).length > 0);
  const own = folderOf(client.files[0]?.path ?? '', world);
  return (
    claims.some((claim) => claim.client === client && claim.row.scope === 'user') ||
    (own !== undefined && world.disk.look(own) !== undefined)
  );
}

function besides(client: ClientRow, world: World, folders: readonly (string | undefined)[]): ClientMap['beside'] {
  const { id, beside = [] } = client;
  return beside.flatMap(({ path, says }) =>
    folders
      .filter((project) => isOfProject(path) === (project !== undefined))
      .flatMap((project) => existing(path, world, project).map((found) => ({ client: id, path: found, says }))),
  );
}

/** Files of Windows, seen from WSL: their commands and paths are Windows' own. */
function foreignFiles(world: World): readonly ClientFile[] {
  const claims = CLIENTS.flatMap((client) => claimsOf(client, world, undefined));
  const files = Map.groupBy(claims, ({ path }) => path);
  const why = 'it belongs to Windows, and this is WSL: run "intercept init" there';
  return Array.from(files, ([path, group]) => ({ ...readFile(path, group, new Set(), world), untouchable: why }));
}

function readFile(realPath: string, claims: readonly Claim[], installed: ReadonlySet<ClientId>, world: World): ClientFile {
  const [first] = claims;
  const path = first?.path ?? realPath;
  const format = first?.row.format ?? first?.client.format ?? 'json';
  const all = claims.map((claim) => readerOf(claim, claim.project, installed));
  const file = { path, realPath, format, readers: distinct(all), untouchable: reasonForFile(realPath, claims, world) };
  const bytes = world.disk.read(realPath, MAX_FILE);
  if (typeof bytes === 'string') return { ...file, bytes: undefined, unreadable: `it ${bytes}`, servers: [] };
  try {
    const root = FORMATS[format].parse(decodeText(bytes).text);
    return { ...file, bytes, unreadable: undefined, servers: serversIn(root, claims, installed) };
  } catch (error) {
    return { ...file, bytes, unreadable: whyUnreadable(error, format), servers: [] };
  }
}

function whyUnreadable(error: unknown, format: FileFormat): string {
  if (error instanceof UnreadableText) return `it cannot be read as ${format.toUpperCase()}: ${error.message}`;
  if (error instanceof RangeError) return 'it is nested too deeply';
  throw error;
}

/** SECURITY: a project's file that is a link out of it would let whoever writes the project have other files rewritten. */
function reasonForFile(realPath: string, claims: readonly Claim[], world: World): string | undefined {
  const path = pathsFor(world);
  const outside = claims.find(({ project }) => {
    const root = project === undefined ? undefined : (world.disk.realPath(project) ?? project);
    return root !== undefined && path.relative(root, realPath).startsWith('..');
  });
  const isOnlyProjects = claims.every(({ project }) => project !== undefined);
  if (outside && isOnlyProjects) return 'it is a link that leads out of its project';
  return claims.every(({ row }) => row.leave !== undefined) ? claims[0]?.row.leave : undefined;
}

function readerOf({ client, row }: Claim, project: string | undefined, installed: ReadonlySet<ClientId>): Reader {
  const reader = { client: client.id, name: client.name, scope: row.scope, installed: installed.has(client.id) };
  return project === undefined ? reader : { ...reader, project };
}

function distinct(readers: readonly Reader[]): readonly Reader[] {
  return [...new Map(readers.map((reader) => [JSON.stringify([reader.client, reader.scope, reader.project]), reader])).values()];
}

/** A map or list of servers in a file, with the claim that names it. */
interface Section {
  readonly claim: Claim;
  readonly at: readonly string[];
  readonly tree: Tree;
  /** The keys that stand for a `*`. */
  readonly stars: readonly string[];
}

function serversIn(root: ObjectTree, claims: readonly Claim[], installed: ReadonlySet<ClientId>): readonly ClientServer[] {
  const sections = claims.flatMap((claim) => sectionsOf(root, claim));
  const groups = Map.groupBy(sections, ({ at }) => JSON.stringify(at));
  const off = disabledNames(root);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first
      ? serversOf(first, distinct(group.map(({ claim, stars }) => readerOf(claim, projectOf(claim, stars), installed))), off)
      : [];
  });
}

/** A local entry's project is the key that it stands under. */
function projectOf({ row, project }: Claim, stars: readonly string[]): string | undefined {
  return row.scope === 'local' ? stars[0] : project;
}

function sectionsOf(root: ObjectTree, claim: Claim): readonly Section[] {
  const pattern = claim.row.at ?? claim.client.at;
  let found: readonly Section[] = [{ claim, at: [], tree: root, stars: [] }];
  for (const key of pattern) {
    found = found.flatMap(({ at, tree, stars }) => {
      const members = tree.kind !== 'object' ? [] : key === '*' ? tree.members : [memberOf(tree, key)];
      return members.flatMap((member) =>
        member ? [{ claim, at: [...at, member.key], tree: member.value, stars: key === '*' ? [...stars, member.key] : stars }] : [],
      );
    });
  }
  return found;
}

function serversOf(
  { claim: { client, row }, at, tree, stars }: Section,
  readers: readonly Reader[],
  off: (project: string) => ReadonlySet<string>,
): readonly ClientServer[] {
  const shape = row.shape ?? client.shape;
  const entries = SHAPES[shape].isList ? listed(tree, at) : mapped(tree, at);
  const names = row.scope === 'local' ? off(stars[0] ?? '') : new Set<string>();
  return entries.map(({ name, at: place, value }) => {
    const { entry, disabled, leave } = readEntry(value, shape);
    const shared = { name, at: place, shape, readers, entry };
    return { ...shared, disabled: disabled || names.has(name), leave: row.leave ?? (name === '' ? 'it has no name of its own' : leave) };
  });
}

interface Found {
  readonly name: string;
  readonly at: EntryPath;
  readonly value: Json;
}

function mapped(tree: Tree, at: readonly string[]): readonly Found[] {
  return tree.kind === 'object' ? tree.members.map(({ key, value }) => ({ name: key, at: [...at, key], value: valueIn(value) })) : [];
}

function listed(tree: Tree, at: readonly string[]): readonly Found[] {
  if (tree.kind !== 'array') return [];
  const values = tree.items.map(valueIn);
  const names = values.map((value) => (isObject(value) ? value.get('name') : undefined));
  return values.map((value, index) => {
    const name = names[index];
    const isOwn = typeof name === 'string' && names.indexOf(name) === names.lastIndexOf(name);
    return { name: isOwn ? name : '', at: [...at, { name: isOwn ? name : '' }], value };
  });
}

/** Claude Code keeps the names of servers that are switched off beside those of each project. */
function disabledNames(root: ObjectTree): (project: string) => ReadonlySet<string> {
  const projects = memberOf(root, 'projects')?.value;
  return (project) => {
    const own = memberOf(projects, project)?.value;
    const names = own && valueAt(valueIn(own), ['disabledMcpServers']);
    return new Set(Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []);
  };
}
