/** `intercept policies`: lists, shows and writes the policies of the library, and finds the one for a server's command. */
import { writeFileSync } from 'node:fs';
import { CommandError, EXIT, reasonOf, UsageError } from '../core/fault.ts';
import { didYouMean } from '../policy/nearest.ts';
import { sumRisks } from '../setup/draft/header.ts';
import { openLibrary } from '../setup/library/library.ts';
import { type Level, packageOf, shellCommand } from '../setup/library/make.ts';
import { type LibraryMatch, matchCommand } from '../setup/library/match.ts';
import type { LibraryEntry, PolicyLibrary } from '../setup/library/shape.ts';
import { RISKS, type Risk } from '../setup/risk/risk.ts';
import { createPaint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

/** Columns where nobody says how many there are. */
const COLUMNS = 100;
const LETTERS: Readonly<Record<Risk, string>> = { Destructive: 'D', Financial: 'F', Execute: 'E', Write: 'W', Read: 'R' };
const LEGEND = 'tools: D destructive, F financial, E execute, W write, R read; *: rules by hand';

/** Lists the policies whose id, title, package or tags have the word. */
export function listPolicies(word: string, json: boolean, terminal: Terminal): number {
  const wanted = word.toLowerCase();
  const { entries } = openLibrary();
  const found = entries.filter(({ id, title, package: name, tags }) =>
    [id, title, name, ...tags].some((text) => text.toLowerCase().includes(wanted)),
  );
  if (json) terminal.out(JSON.stringify(found.map(summaryOf), null, 2));
  else if (found.length === 0) terminal.out(`no policy has ${JSON.stringify(shown(word, 60))} in its id, title, package or tags`);
  else for (const line of renderList(found, terminal)) terminal.out(line);
  return found.length === 0 && word !== '' ? EXIT.failed : EXIT.done;
}

function renderList(entries: readonly LibraryEntry[], terminal: Terminal): readonly string[] {
  const paint = createPaint(terminal.colour);
  const columns = terminal.size()?.columns ?? COLUMNS;
  const width = Math.max(...entries.map(({ id }) => id.length));
  const rows = entries.map((entry) => {
    const counts = RISKS.toReversed().map((risk) => cellOf(risk, entry));
    const begin = `${paint('cyan', entry.id.padEnd(width))} ${entry.isSharp ? '*' : ' '} ${counts.join(' ')}  `;
    return `${begin}${shown(entry.title, Math.max(10, columns - width - 3 - counts.join(' ').length - 2))}`.trimEnd();
  });
  return [...rows, '', `${entries.length} ${entries.length === 1 ? 'policy' : 'policies'}; ${LEGEND}`];
}

/** `3D`, or blanks. */
function cellOf(risk: Risk, { tools }: LibraryEntry): string {
  const count = tools.filter((tool) => tool.risk === risk).length;
  return (count === 0 ? '' : `${count}${LETTERS[risk]}`).padStart(4);
}

function summaryOf(entry: LibraryEntry): object {
  const { id, title, registry, package: name, version, command, homepage, license, tags, note, scanned, isSharp, tools } = entry;
  const counts = Object.fromEntries(RISKS.map((risk) => [risk.toLowerCase(), tools.filter((tool) => tool.risk === risk).length]));
  return {
    ...{ id, title, registry, package: name, version, command, homepage: homepage || null, license: license || null, tags },
    ...{ note: note || null, scanned, by_hand: isSharp, tools: { total: tools.length, ...counts } },
  };
}

interface ShowOptions {
  readonly preset: Level;
  readonly json: boolean;
}

/** Prints a policy. */
export function showPolicy(id: string, { preset, json }: ShowOptions, terminal: Terminal): number {
  const library = openLibrary();
  const entry = entryNamed(id, library);
  const policy = library.policyOf(entry, preset);
  if (json) {
    const tools = entry.tools.map(({ name, risk, sensitive, hash }) => ({ name, class: risk.toLowerCase(), sensitive, definition: hash }));
    terminal.out(JSON.stringify({ ...summaryOf(entry), preset, policy, listed: tools }, null, 2));
  } else terminal.out(policy.trimEnd());
  return EXIT.done;
}

interface AddOptions {
  readonly preset: Level;
  readonly output: string | undefined;
  readonly force: boolean;
}

/** Writes a policy to a file. */
export function addPolicy(id: string, { preset, output, force }: AddOptions, terminal: Terminal): number {
  const library = openLibrary();
  const entry = entryNamed(id, library);
  const file = output ?? `${entry.id}.yaml`;
  try {
    writeFileSync(file, library.policyOf(entry, preset), { flag: force ? 'w' : 'wx' });
  } catch (error) {
    throw unwritten(file, error);
  }
  terminal.out(`wrote ${shown(file, 500)}: the ${preset} policy for ${entry.title}, ${packageOf(entry)}, ${sumRisks(entry.tools)}`);
  terminal.out(`run it: intercept -c ${shellCommand([file])} -- ${shellCommand(entry.command)}`);
  if (entry.env.length > 0) terminal.out(`it was started with ${entry.env.join(', ')}`);
  return EXIT.done;
}

function unwritten(file: string, error: unknown): CommandError {
  const { code } = error as NodeJS.ErrnoException;
  const name = shown(file, 500);
  if (code === 'EEXIST') return new CommandError(`${name} exists already`, EXIT.failed, 'choose another name with "-o", or add --force');
  if (code === 'ENOENT') return new CommandError(`${name}: its folder does not exist`, EXIT.failed, 'make the folder first');
  return new CommandError(`${name} ${reasonOf(error)}`, EXIT.failed, 'choose another place with "-o"', { cause: error });
}

/** Throws `UsageError` with what may have been meant. */
function entryNamed(id: string, { entries, find }: PolicyLibrary): LibraryEntry {
  const found = find(id) ?? entries.find(({ package: name }) => name === id);
  if (found) return found;
  const ids = entries.map((entry) => entry.id);
  throw new UsageError(
    `the library has no policy ${JSON.stringify(shown(id, 60))}`,
    didYouMean(id, ids) ?? 'see "intercept policies list", or "intercept scan" for a policy of your own',
  );
}

/** Says which policy fits the command. */
export function findPolicy(command: readonly string[], json: boolean, terminal: Terminal): number {
  const match = matchCommand(openLibrary().entries, command);
  if (json) terminal.out(JSON.stringify(matchJson(match), null, 2));
  else for (const line of renderMatch(match)) terminal.out(line);
  return match.kind === 'found' ? EXIT.done : EXIT.failed;
}

function matchJson(match: LibraryMatch): object {
  if (match.kind === 'none') return { policy: null, why: match.why, started: null, same_version: null, same_start: null };
  const { registry, name, version } = match.started;
  return {
    policy: summaryOf(match.entry),
    why: null,
    started: { registry, package: name, version: version ?? null },
    same_version: match.isSameVersion,
    same_start: match.isSameStart,
  };
}

function renderMatch(match: LibraryMatch): readonly string[] {
  if (match.kind === 'none') return [`no policy: ${shown(match.why, 300)}`];
  const { entry, isSameVersion, isSameStart, started } = match;
  const starts = started.version === undefined ? 'without a version' : `version ${started.version}`;
  return [
    `${entry.id}: ${entry.title}, ${packageOf(entry)}, ${sumRisks(entry.tools)}`,
    ...(isSameVersion ? [] : [`  the command starts it ${starts}: tools that ${entry.version} did not have are denied`]),
    ...(isSameStart ? [] : [`  it was scanned as: ${shellCommand(entry.command)}`]),
    `  see it: intercept policies show ${entry.id}`,
    `  use it: intercept policies add ${entry.id}`,
  ];
}
