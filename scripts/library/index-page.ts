/** docs/policies.md: which servers the library has policies for, and what each policy does. */
import { judgeTools, VERDICTS, type Verdict } from '../../src/authoring/tool-verdicts.ts';
import type { Policy } from '../../src/core/policy.ts';
import { type LibrarySource, packageOf } from '../../src/setup/library/make.ts';
import type { LibraryRow } from '../../src/setup/library/rows.ts';
import { RISKS } from '../../src/setup/risk/risk.ts';
import { introduction } from './index-text.ts';

export interface ListedPolicy {
  readonly source: LibrarySource;
  readonly policy: Policy;
}

/** The whole page. `left`: servers without a policy. */
export function renderIndex(listed: readonly ListedPolicy[], left: readonly LibraryRow[]): string {
  const tools = listed.reduce((sum, { source }) => sum + source.recorded.tools.length, 0);
  const sharp = listed.filter(({ source }) => source.sharp !== undefined).length;
  return `${[
    ...introduction({ servers: listed.length, tools, sharp }),
    '',
    '## Servers',
    '',
    'The numbers are tools of the classes Destructive, Financial, Execute, Write and Read. A star marks rules that a person wrote.',
    '',
    '<!-- keys: policies -->',
    '| policy | server | D | F | E | W | R | what it does |',
    '|---|---|--:|--:|--:|--:|--:|---|',
    ...listed.map(renderRow),
    '',
    '## Without a policy',
    '',
    '| server | why |',
    '|---|---|',
    ...left.map((row) => `| ${cell(row.title)}, \`${packageOf(row)}\` | ${cell(row.excluded ?? '')} |`),
  ].join('\n')}\n`;
}

function renderRow({ source: { row, recorded, sharp }, policy }: ListedPolicy): string {
  const counts = RISKS.toReversed().map((risk) => recorded.tools.filter((tool) => tool.risk.risk === risk).length || '');
  const names = recorded.tools.map(({ definition }) => definition.name);
  const link = `[\`${row.id}\`](../policies/${row.id}.yaml)${sharp === undefined ? '' : ' ★'}`;
  const server = row.homepage === '' ? cell(row.title) : `[${cell(row.title)}](${row.homepage})`;
  return `| ${link} | ${server}, ${cell(packageOf(row))} | ${counts.join(' | ')} | ${cell(effectOf(policy, names))} |`;
}

const EFFECTS: Readonly<Record<Verdict, string>> = {
  free: 'allows',
  rules: 'limits',
  approval: 'asks a person for',
  denied: 'denies',
  hidden: 'hides',
};

/** `denies 3, asks a person for 6, limits 18`, and what its author says of it. */
function effectOf(policy: Policy, names: readonly string[]): string {
  const judged = judgeTools(policy, names);
  const parts = VERDICTS.toReversed().flatMap((verdict) => {
    const own = judged.filter((tool) => tool.verdict === verdict).length;
    return own === 0 ? [] : [`${EFFECTS[verdict]} ${own}`];
  });
  return [parts.join(', '), ...namesIn(policy)].join('; ');
}

/** The most names of rules that a row shows. */
const MOST_NAMES = 5;

/** The names of rules that a person wrote: drafted ones have none. */
function namesIn({ exact, everyTool }: Policy): readonly string[] {
  const rules = [...(everyTool ? [everyTool] : []), ...exact.values()].flatMap((entry) => entry.rules);
  const names = [...new Set(rules.map(({ label }) => label).filter((label) => !/^tools\..*\.rules\[\d+\]$/.test(label)))];
  if (names.length === 0) return [];
  return [`${names.slice(0, MOST_NAMES).join(', ')}${names.length > MOST_NAMES ? ', …' : ''}`];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}
