/** A server that was scanned, as a person chooses about it: each tool with its suggested column, and the draft of its policy. */
import { policyBlocks } from '../../console/setup/blocks.ts';
import { openDraft } from '../draft/draft.ts';
import type { Column, DraftOptions, PolicyDraft, ScannedServer } from '../draft/model.ts';
import { limitOf, suggestedColumn } from '../draft/rules.ts';
import type { ToolRisk } from '../risk/risk.ts';
import type { ServerState } from './servers.ts';

/** A draft that is not of the scan alone. */
export interface OtherDraft {
  readonly notes: readonly string[];
  draft(columns: ReadonlyMap<string, Column>): PolicyDraft;
}

/** Readies the choices. `risks` are the classes of the server's tools, in their order; `other` drafts in place of the scan. */
export function scannedState(
  server: ScannedServer,
  risks: readonly ToolRisk[],
  options: Omit<DraftOptions, 'columns'>,
  other?: OtherDraft,
): ServerState {
  const open = openDraft(server, risks);
  const draft = (columns: ReadonlyMap<string, Column>) => open({ ...options, columns });
  const ownRules = other ? differing(draft(new Map()).text, other.draft(new Map()).text) : new Map<string, Column>();
  const tools = server.tools.flatMap(({ name, description }, place) => {
    const risk = risks[place];
    if (!risk) return [];
    const { column, says } = suggestedColumn(risk, options.preset);
    const limit = limitOf(risk);
    const own = ownRules.get(name);
    return [
      { name, description, risk, limit, suggested: own ?? column, says: own ? 'rules of the library' : says === limit ? undefined : says },
    ];
  });
  return { kind: 'scanned', tools, notes: other?.notes, draft: other?.draft ?? draft };
}

/** The tools whose rules are not those of the scan, and the columns that they come nearest to. */
function differing(drafted: string, other: string): ReadonlyMap<string, Column> {
  const before = rulesIn(drafted);
  const entries = [...rulesIn(other)].filter(([name, rules]) => rules.join('\n') !== before.get(name)?.join('\n'));
  return new Map(entries.map(([name, rules]) => [name, nearestColumn(rules)]));
}

/** The lines of each tool, without comments. */
function rulesIn(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n');
  const own = Array.from(policyBlocks(lines), ([name, { from, to }]): readonly [string, readonly string[]] => [
    name,
    lines.slice(from, to).filter((line) => !/^ *#/.test(line)),
  ]);
  return new Map(own);
}

const CONDITIONAL = /^ *-? *(?:conditions|when|agents):/;

/** A rule with a condition is for some calls only: what is said without one decides, else the tool is limited. */
function nearestColumn(lines: readonly string[]): Column {
  if (/^ {2}- /.test(lines[0] ?? '')) return 'hide';
  const rules: string[][] = [];
  for (const line of lines)
    if (/^ {6}- /.test(line)) rules.push([line]);
    else rules.at(-1)?.push(line);
  const plain = rules.filter((rule) => !rule.some((line) => CONDITIONAL.test(line)));
  const says = (action: string) => plain.some((rule) => rule.some((line) => line.includes(`action: ${action}`)));
  if (says('deny')) return 'deny';
  if (says('require_approval')) return 'approve';
  return rules.length === 0 ? 'allow' : 'limit';
}
