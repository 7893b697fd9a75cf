/** The tools of a server as people look at them: by class, the worst first, found by a text, and counted. Pure. */
import type { Column } from '../draft/model.ts';
import { RISKS, type Risk } from '../risk/risk.ts';
import { type ChosenServer, columnOf, toolsOf } from './model.ts';
import type { ToolToChoose } from './servers.ts';

export interface ToolGroup {
  readonly risk: Risk;
  /** The places of its tools in the server's list. */
  readonly tools: readonly number[];
}

export type ColumnCounts = Readonly<Record<Column, number>>;

/** Characters of a description in which a search looks: it may have millions. */
const MOST_SEARCHED = 400;
const WORST_FIRST: readonly Risk[] = RISKS.toReversed();

/** The classes that a server has tools of. With a text: only tools that have each of its words in name, class or description. */
export function groupTools(tools: readonly ToolToChoose[], text = ''): readonly ToolGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const places = new Map<Risk, number[]>(WORST_FIRST.map((risk) => [risk, []]));
  for (const [place, tool] of tools.entries()) if (isFound(tool, words)) places.get(tool.risk.risk)?.push(place);
  return WORST_FIRST.flatMap((risk) => {
    const found = places.get(risk) ?? [];
    return found.length > 0 ? [{ risk, tools: found }] : [];
  });
}

function isFound({ name, description = '', risk }: ToolToChoose, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = `${name} ${risk.risk} ${description.slice(0, MOST_SEARCHED)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Counts the tools of a server in each column. */
export function countColumns(one: ChosenServer): ColumnCounts {
  const counts = emptyCounts();
  for (const tool of toolsOf(one.server)) counts[columnOf(one, tool)]++;
  return counts;
}

function emptyCounts(): Record<Column, number> {
  return { allow: 0, limit: 0, approve: 0, deny: 0, hide: 0 };
}
