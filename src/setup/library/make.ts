/** A policy of the library: the draft for a recorded server, with the rules that a person wrote for it. */
import { draftPolicy } from '../draft/draft.ts';
import { sumRisks } from '../draft/header.ts';
import { mergePolicy } from './merge.ts';
import type { LibraryRow, RecordedServer } from './rows.ts';

/** A library policy lets so much through: `read-only` lists nothing but tools that read. */
export type Level = 'suggested' | 'read-only';

export interface LibrarySource {
  readonly row: LibraryRow;
  readonly recorded: RecordedServer;
  /** `library/sharp/<id>.yaml`. */
  readonly sharp: string | undefined;
}

/** The draft's own header, and its lines about parameters, which are in the recorded list: twelve thousand tools have many. */
const HEADER = /^(?:#.*\n|\n)*/;
const PARAMETERS = /^ {2}# {3}.*\n/gm;

/** Writes the policy of a server. Throws where the sharp rules name a tool that the server has not. */
export function makePolicy({ row, recorded, sharp }: LibrarySource, level: Level): string {
  const draft = draftPolicy(
    { ...recorded, tools: recorded.tools.map(({ definition }) => definition) },
    recorded.tools.map(({ risk }) => risk),
    { name: row.id, preset: level, date: recorded.scanned, origin: { package: row.package, version: row.version } },
  );
  const headed = `${headerOf({ row, recorded, sharp }, level)}${draft.text.replace(HEADER, '').replace(PARAMETERS, '')}`;
  if (sharp === undefined) return headed;
  const isTaken = level === 'suggested' ? () => true : readers(recorded);
  const { text, unknown } = mergePolicy(headed, sharp, { takes: isTaken });
  const missing = level === 'suggested' ? unknown : [];
  if (missing.length > 0) throw new Error(`library/sharp/${row.id}.yaml: the server has no tool ${JSON.stringify(missing[0])}`);
  return text;
}

function readers({ tools }: RecordedServer): (tool: string) => boolean {
  const names = new Set(tools.filter(({ risk }) => risk.risk === 'Read').map(({ definition }) => definition.name));
  return (tool) => names.has(tool);
}

const REGISTRIES = { npm: 'npm', pypi: 'PyPI', go: 'Go' } as const;

/** The package as people write it: `@stripe/mcp 0.2.5 (npm)`. */
export function packageOf({ package: name, version, registry }: Pick<LibraryRow, 'package' | 'version' | 'registry'>): string {
  return `${name} ${version} (${REGISTRIES[registry]})`;
}

function headerOf({ row, recorded, sharp }: LibrarySource, level: Level): string {
  const { id, title, homepage, license, tags, note, command, env } = row;
  const file = `${id}.yaml`;
  const facts: readonly (readonly [string, string])[] = [
    ['package', `${packageOf(row)}; other versions may have other tools, which are denied`],
    ['homepage', homepage],
    ['licence', license],
    ['tags', tags.join(', ')],
    ['tools', sumRisks(recorded.tools.map(({ risk }) => risk))],
    ['level', level === 'read-only' ? 'read-only: tools that read are listed, the rest is denied and hidden' : ''],
    ['environment', Object.keys(env).join(', ')],
    ['note', note],
    ['generated', `by "npm run library" from a scan of ${recorded.scanned}${sharp === undefined ? '' : ', with rules of library/sharp'}`],
  ];
  const lines = [
    `Policy for the ${title} MCP server`,
    '',
    ...facts.filter(([, value]) => value !== '').map(([name, value]) => `${`${name}:`.padEnd(13)}${value}`),
    '',
    'Three lines to run it:',
    `  intercept policies add ${id}${level === 'read-only' ? ' --preset read-only' : ''}`,
    `  intercept validate ${file} -- ${shellCommand(command)}`,
    `  intercept -c ${file} -- ${shellCommand(command)}`,
  ];
  return `${lines.map((line) => `${`# ${line}`.trimEnd()}\n`).join('')}\n`;
}

/** A command as a shell takes it. */
export function shellCommand(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
