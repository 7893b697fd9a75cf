/** `intercept init --check`: what it does stands in `setup/init/check.ts`. */
import { join } from 'node:path';
import { EXIT } from '../../core/fault.ts';
import { type EntrySelection, isMeant } from '../../setup/init/candidates.ts';
import { type CheckedServer, type CheckReport, checkMachine } from '../../setup/init/check.ts';
import { readRuns, standingOf } from '../../setup/init/journal.ts';
import { surveyHere } from '../../setup/init/run.ts';
import { createPaint, type Paint, shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import { openPorts } from './ports.ts';

export interface CheckFlags extends EntrySelection {
  readonly home: string;
  readonly json: boolean;
}

const MOST_NAMES = 5;

/** Checks, and ends with 1 where a server is open, or nobody knows. */
export async function checkInit(flags: CheckFlags, terminal: Terminal): Promise<number> {
  const surroundings = await openPorts(flags.home, terminal.env, 'suggested');
  const survey = await surveyHere(surroundings, standingOf(readRuns(join(flags.home, 'setup'))));
  const report = await checkMachine(survey, flags.home, (place) => isMeant(place, flags));
  const isCovered = report.servers.every((server) => server.isCovered) && report.unreadable.length === 0;
  if (flags.json) terminal.out(JSON.stringify(checkJson(report, isCovered), null, 2));
  else for (const line of render(report, isCovered, createPaint(terminal.colour))) terminal.out(line);
  return isCovered ? EXIT.done : EXIT.failed;
}

function render({ servers, unreadable, beside, shared }: CheckReport, isCovered: boolean, paint: Paint): readonly string[] {
  const open = servers.filter((server) => !server.isCovered).length;
  return [
    ...servers.flatMap((server) => renderServer(server, paint)),
    ...unreadable.map((line) => `${paint('red', 'not read')}  ${line}`),
    ...beside.map((line) => `${paint('yellow', 'beside')}  ${line}`),
    ...shared.map((path) => `${paint('yellow', 'shared')}  ${path}: whoever edits the project can edit it, agents included`),
    isCovered
      ? servers.length === 0
        ? 'no MCP servers were found'
        : 'every server is covered'
      : `${open} of ${servers.length} servers ${open === 1 ? 'is' : 'are'} not covered: intercept init`,
  ];
}

function renderServer({ name, clients, command, isCovered, policy, why, around, lacks }: CheckedServer, paint: Paint): readonly string[] {
  const state = isCovered ? paint('green', 'covered') : policy === undefined ? paint('red', 'open   ') : paint('yellow', 'partly ');
  const more = lacks.length > MOST_NAMES ? `, and ${lacks.length - MOST_NAMES} more` : '';
  const names = lacks
    .slice(0, MOST_NAMES)
    .map((tool) => shown(tool, 60))
    .join(', ');
  return [
    `${state}  ${paint('bold', shown(name, 60))}  ${clients.join(', ')}`,
    `         ${policy ?? paint('dim', shown(command))}`,
    ...(why === undefined ? [] : [`         ${why}`]),
    ...around.map((way) => `         ${paint('red', 'a way around')}: ${way}`),
    ...(lacks.length === 0 ? [] : [`         its policy does not list ${names}${more}: intercept init --update`]),
  ];
}

function checkJson({ servers, ...rest }: CheckReport, isCovered: boolean): object {
  return {
    covered: isCovered,
    servers: servers.map(({ name, clients, command, isCovered: covered, policy, why, around, lacks }) => ({
      ...{ name, clients, command, covered, policy: policy ?? null, why: why ?? null, around, lacks },
    })),
    ...rest,
  };
}
