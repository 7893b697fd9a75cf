/** Sorts servers: those there is something to do about, and why not about the others (setup.md §3.1). */
import { maskCommand } from '../../audit/mask.ts';
import type { OriginalServer } from './coverage.ts';
import type { PolicyPlace } from './policies.ts';
import { clientsOf, type EntryPlace, type MachineServer, readersOf } from './survey.ts';

/** The clients, servers and scopes that were asked for. */
export interface EntrySelection {
  readonly clients: readonly string[];
  readonly servers: readonly string[];
  /** Files of projects may be started and changed, too. */
  readonly project: boolean;
  /** Files of projects are not even listed. */
  readonly user: boolean;
}

/** A server with the entries that are to be written. */
export interface Candidate {
  readonly server: MachineServer;
  /** Entries that nothing stands before. */
  readonly open: readonly EntryPlace[];
  /** Entries whose program is gone. */
  readonly broken: readonly EntryPlace[];
  readonly policy: PolicyPlace;
  /** Why there is nothing to do; undefined where there is. */
  readonly left: string | undefined;
  /** It is switched off wherever it stands, and is not started. */
  readonly isOff: boolean;
}

/** Sorts the servers that were asked for; those that were not are left out. */
export function candidatesOf(
  servers: readonly MachineServer[],
  policies: ReadonlyMap<string, PolicyPlace>,
  selection: EntrySelection,
): readonly Candidate[] {
  return servers.flatMap((server) => {
    const places = server.places.filter((place) => isMeant(place, selection));
    const policy = policies.get(server.id);
    return places.length === 0 || !policy ? [] : [candidateOf({ ...server, places }, policy, selection)];
  });
}

/** True where a person asked for this entry, or for no other. */
export function isMeant({ server, project }: EntryPlace, { clients, servers, user }: EntrySelection): boolean {
  if (servers.length > 0 && !servers.includes(server.name)) return false;
  if (user && project !== undefined) return false;
  return clients.length === 0 || readersOf(server).some(({ client, name }) => clients.includes(client) || clients.includes(name));
}

function candidateOf(server: MachineServer, policy: PolicyPlace, { project }: EntrySelection): Candidate {
  const mine = server.places.filter((place) => place.leave === undefined && (project || place.project === undefined));
  const open = mine.filter(({ coverage }) => coverage.kind === 'open');
  const broken = mine.filter(
    ({ coverage }) => isBroken(coverage) || (coverage.kind === 'weak' && !policy.isThere && coverage.policy !== policy.path),
  );
  const lacksPolicy = mine.some(({ coverage }) => coverage.kind === 'weak' && coverage.policy === policy.path && !policy.isThere);
  const hasWork = server.start !== undefined && (open.length > 0 || broken.length > 0 || lacksPolicy);
  const isOff = server.places.every(({ server: { disabled } }) => disabled);
  return { server, open, broken, policy, left: hasWork ? undefined : whyLeft(server.places), isOff };
}

function isBroken(coverage: EntryPlace['coverage']): boolean {
  return coverage.kind === 'weak' && coverage.why.endsWith('is gone');
}

/** The first reason, and the plainest one. */
function whyLeft(places: readonly EntryPlace[]): string {
  const covered = places.find(({ coverage }) => coverage.kind === 'covered');
  const weak = places.map(({ coverage }) => coverage).find((coverage) => coverage.kind === 'weak');
  const left = places.find(({ leave }) => leave !== undefined)?.leave;
  if (weak) return `wrapped, but ${weak.why}`;
  if (left !== undefined) return left;
  return covered ? 'covered' : 'it stands in a file of a project: add --project';
}

/** The clients that have it, by name, each once. */
export function clientsOfAll(places: readonly EntryPlace[]): readonly string[] {
  return [...new Set(places.flatMap(clientsOf))];
}

/** The command or address of a server, for people: without secrets. */
export function shownStart(start: OriginalServer | undefined): string {
  if (!start) return '';
  return start.kind === 'local' ? maskCommand([start.command, ...start.args]) : maskCommand([start.url]);
}
