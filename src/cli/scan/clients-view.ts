/** The inventory of a machine as people and programs read it. */
import { sumRisks } from '../../setup/draft/header.ts';
import type { InventoriedFile, InventoriedServer, KnownTools } from '../../setup/init/inventory.ts';
import { RISKS, type Risk } from '../../setup/risk/risk.ts';
import { type Paint, shown } from '../paint.ts';

const MOST_NAME = 40;
const MOST_PATH = 300;
const FROM: Readonly<Record<KnownTools['from'], string>> = { scan: '', listing: ' (last listed)', library: ' (by the library)' };

/** A heading for each file, a line for each server in it, and one that sums them up. */
export function renderClients(files: readonly InventoriedFile[], beside: readonly string[], paint: Paint): readonly string[] {
  const all = files.filter(({ servers, unreadable }) => servers.length > 0 || unreadable !== undefined);
  const servers = all.flatMap((file) => file.servers);
  const width = Math.max(0, ...servers.map(({ name }) => shown(name, MOST_NAME).length));
  return [
    ...all.flatMap((file) => [...renderFile(file, width, paint), '']),
    ...beside.map((line) => `${paint('yellow', 'beside')}  ${shown(line, MOST_PATH)}`),
    ...(beside.length > 0 ? [''] : []),
    sumServers(servers, paint),
  ];
}

function renderFile({ path, clients, unreadable, servers }: InventoriedFile, width: number, paint: Paint): readonly string[] {
  return [
    `${paint('bold', clients.join(', '))}  ${paint('dim', shown(path, MOST_PATH))}`,
    ...(unreadable === undefined ? [] : [`  ${paint('red', 'not read')}  ${shown(unreadable, MOST_PATH)}`]),
    ...servers.map(
      (server) => `  ${stateOf(server, paint)}  ${paint('bold', shown(server.name, MOST_NAME).padEnd(width))}  ${remarksOf(server, paint)}`,
    ),
  ];
}

function stateOf({ state }: InventoriedServer, paint: Paint): string {
  if (state === 'covered') return paint('green', 'covered');
  return state === 'weak' ? paint('yellow', 'weak   ') : paint('red', 'open   ');
}

function remarksOf({ tools, why, disabled, failed }: InventoriedServer, paint: Paint): string {
  const known = tools
    ? `${sumRisks(tools.classes.map((risk) => ({ risk })))}${paint('dim', FROM[tools.from])}`
    : paint('yellow', 'tools unknown');
  const more = [disabled && 'switched off', why, failed].filter((each) => typeof each === 'string').map((each) => shown(each, MOST_PATH));
  return [known, ...more].join('; ');
}

function sumServers(servers: readonly InventoriedServer[], paint: Paint): string {
  if (servers.length === 0) return 'no MCP servers were found';
  const open = servers.filter(({ state }) => state !== 'covered').length;
  const count = `${servers.length} server${servers.length === 1 ? '' : 's'}`;
  return open === 0 ? `${count}, all covered` : `${count}, ${paint('red', `${open} not covered`)}: intercept init`;
}

/** The same for programs. */
export function clientsJson(files: readonly InventoriedFile[], beside: readonly string[], found: readonly InventoriedServer[]): object {
  return {
    files: files.map(({ path, clients, scopes, unreadable, servers }) => ({
      ...{ path, clients, scopes, unreadable: unreadable ?? null },
      servers: servers.map((server) => serverJson(server, found.includes(server))),
    })),
    beside,
  };
}

function serverJson({ name, command, state, why, policy, disabled, project, tools, failed }: InventoriedServer, isFound: boolean): object {
  return {
    ...{ name, command, state, why: why ?? null, policy: policy ?? null, disabled, project: project ?? null },
    tools: tools ? { from: tools.from, total: tools.classes.length, ...countsOf(tools.classes) } : null,
    ...{ failed: failed ?? null, found: isFound },
  };
}

/** The number of tools of each class. */
function countsOf(classes: readonly Risk[]): Readonly<Record<string, number>> {
  return Object.fromEntries(RISKS.map((risk) => [risk.toLowerCase(), classes.filter((each) => each === risk).length]));
}
