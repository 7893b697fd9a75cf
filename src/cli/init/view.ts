/** The lines that init ends with (setup.md §3.7). */
import {
  canHold,
  nextSteps,
  type ReportedServer,
  reportServers,
  type ServerOutcome,
  sharedFiles,
  spreadFiles,
} from '../../setup/init/report.ts';
import type { InitReport } from '../../setup/init/run.ts';
import { type Colour, type Paint, shown } from '../paint.ts';
import type { StepOf } from './ports.ts';

const MOST_NAME = 40;

const HEADINGS: readonly (readonly [ServerOutcome, string, Colour])[] = [
  ['wrapped', 'Behind a policy from now on', 'green'],
  ['covered', 'Behind a policy already', 'green'],
  ['weak', 'Wrapped, and not enforced', 'yellow'],
  ['open', 'Open: agents reach them without a policy', 'red'],
  ['left', 'Left alone', 'yellow'],
];

/** The whole report, in lines. */
export function renderReport(report: InitReport, stepOf: StepOf, paint: Paint): readonly string[] {
  const servers = reportServers(report);
  return [
    ...leadOf(report, servers),
    ...HEADINGS.flatMap(([state, heading, colour]) =>
      renderGroup(
        servers.filter((each) => each.state === state),
        heading,
        colour,
        paint,
      ),
    ),
    ...renderFiles(report, paint),
    ...renderNext(report, stepOf, paint),
  ];
}

function leadOf({ outcome, survey: { map } }: InitReport, servers: readonly ReportedServer[]): readonly string[] {
  if (servers.length === 0) {
    const found = map.clients.map(({ name }) => name);
    return [found.length === 0 ? 'no MCP client was found for this user' : `found ${found.join(', ')}, and no MCP servers in them`];
  }
  const leads = {
    done: [],
    nothing: [servers.some(({ state }) => state === 'open' || state === 'weak') ? 'nothing was written' : 'nothing to do'],
    dry_run: ['nothing was written (--dry-run)'],
    declined: ['nothing was written'],
    cancelled: ['nothing was written'],
  };
  return [...leads[outcome], ...(leads[outcome].length > 0 ? [''] : [])];
}

function renderGroup(servers: readonly ReportedServer[], heading: string, colour: Colour, paint: Paint): readonly string[] {
  if (servers.length === 0) return [];
  const width = Math.min(MOST_NAME, Math.max(...servers.map(({ name }) => shown(name, MOST_NAME).length)));
  return [paint('bold', heading), ...servers.flatMap((server) => renderServer(server, width, colour, paint)), ''];
}

function renderServer(
  { name, clients, command, policy, why, tools }: ReportedServer,
  width: number,
  colour: Colour,
  paint: Paint,
): readonly string[] {
  const indent = `  ${' '.repeat(width)}  `;
  const first = `  ${paint(colour, shown(name, MOST_NAME).padEnd(width))}  ${clients.join(', ')}`;
  const details = [tools, why, policy ?? (why === undefined ? undefined : paint('dim', shown(command)))];
  return [first, ...details.flatMap((text) => (text === undefined ? [] : text.split('\n').map((line) => `${indent}${line}`)))];
}

function renderFiles({ survey: { map }, carried }: InitReport, paint: Paint): readonly string[] {
  const unread = map.files.flatMap(({ path, unreadable }) => (unreadable === undefined ? [] : [`  ${path}: ${unreadable}`]));
  const refused = (carried?.files ?? []).flatMap(({ file, refused: why }) => (why === undefined ? [] : [`  ${file.path} ${why}`]));
  const all = [...unread, ...refused, ...map.beside.map(({ path, says }) => `  ${path}: ${says}`)];
  return all.length === 0 ? [] : [paint('bold', 'Files that were left as they are'), ...all, ''];
}

function renderNext(report: InitReport, stepOf: StepOf, paint: Paint): readonly string[] {
  if (report.outcome !== 'done') return [];
  const [shared, spread] = [sharedFiles(report), spreadFiles(report)];
  return [
    paint('bold', 'Next'),
    ...nextSteps(report, stepOf).flatMap(({ client, says }) => says.map((each) => `  ${client}: ${each}`)),
    '  Policies: edit them as you like; each change holds at once',
    ...(canHold(report)
      ? [
          '  Calls that need approval wait for you: intercept approvals watch',
          '  Agents have shells; keep deciding to yourself: intercept approvals protect',
        ]
      : []),
    ...(shared.length === 0 ? [] : [`  Whoever edits the project can edit its policies, agents included: ${shared.join(', ')}`]),
    ...(spread.length === 0 ? [] : [`  Other machines may have these files, and their paths hold on this one: ${spread.join(', ')}`]),
    '  Look later: intercept init --check, intercept status',
    '  Take it back: intercept init --undo',
  ];
}
