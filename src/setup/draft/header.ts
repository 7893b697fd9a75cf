/** The comment that a draft begins with: where it came from, and how to edit, test and undo it. */
import { RISKS, type ToolRisk } from '../risk/risk.ts';
import type { DraftOptions, LeftOut, ServerOrigin } from './model.ts';
import { commentOf, seen } from './text.ts';

const MOST_NAME = 120;

export interface HeaderSource {
  readonly server: { readonly info?: { readonly name: string; readonly version: string } };
  readonly risks: readonly ToolRisk[];
  readonly options: DraftOptions;
  readonly detail: 'all' | 'description' | 'none';
  readonly leftOut: readonly LeftOut[];
}

/** Its lines, `#` and all. */
export function headerOf(source: HeaderSource): readonly string[] {
  const { options, leftOut, detail } = source;
  const lines = options.header ?? usual(source);
  const notes = [
    ...(leftOut.length === 0
      ? []
      : [`${countOf(leftOut.length)} left out, because no key can name ${leftOut.length === 1 ? 'it' : 'them'}.`]),
    ...(detail === 'all' ? [] : ['There are many tools: what they take is not written beside them.']),
  ];
  return [...lines, ...notes].map((line) => `# ${seen(line)}`.trimEnd());
}

function usual({ server: { info }, risks, options }: HeaderSource): readonly string[] {
  const { origin, date, preset } = options;
  return [
    `Policy "${preset}" for ${nameOf(origin, info)}, drafted by "intercept scan" on ${date}`,
    sumRisks(risks),
    '',
    'Edit:   a running intercept takes each change of this file as it is saved',
    `Test:   intercept validate FILE; intercept explain -c FILE --call TOOL --args '{}'`,
    'Renew:  intercept scan -o FILE --update -- COMMAND',
    'Undo:   start the server without intercept; where init set it up, "intercept init --undo"',
  ];
}

function nameOf({ package: name, version, command }: ServerOrigin, info: HeaderSource['server']['info']): string {
  const own = name === undefined ? info && `${info.name} ${info.version}` : `${name} ${version ?? ''}`;
  return commentOf(own ?? '', MOST_NAME) || commentOf(command ?? '', MOST_NAME) || 'a server';
}

/** `27 tools: 3 Destructive, 6 Financial, 2 Execute, 9 Write, 7 Read`, the worst first. */
export function sumRisks(risks: readonly Pick<ToolRisk, 'risk'>[]): string {
  const counts = RISKS.toReversed().map((risk) => ({ risk, count: risks.filter((each) => each.risk === risk).length }));
  const parts = counts.filter(({ count }) => count > 0).map(({ risk, count }) => `${count} ${risk}`);
  return `${countOf(risks.length)}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

function countOf(count: number): string {
  return `${count} tool${count === 1 ? '' : 's'}`;
}
