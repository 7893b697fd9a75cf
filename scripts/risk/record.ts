/**
 * Keeps what the classifier needs of a judged tool, and no text of others: names, types, enums, hints, and of each
 * description the words of our table that were found in it.
 */

import { readDescription, verbsIn } from '../../src/setup/risk/description.ts';
import { isNounToo } from '../../src/setup/risk/lookup.ts';
import { type JudgedServer, type JudgedTool, judge, type PlainTool } from './judged.ts';

const PEERS = 12;
const KEPT: ReadonlySet<string> = new Set(['type', 'enum', 'const', 'required', '$ref']);
const BRANCHES: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions']);
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf']);

/** The verbs that lead a description, after `args` those that are in it anywhere, and the phrases of the table. */
export function evidenceIn(text: string, all: boolean): string {
  const { heads, signs, checks } = readDescription(text);
  const lead = heads.map(({ verb }) => verb).join(', ');
  const verbs = all
    ? verbsIn(text, [])
        .map(({ verb }) => verb)
        .filter((verb) => !isNounToo(verb))
    : [];
  const phrases = signs.filter(({ sign, at }) => sign.when !== 'acting' || at < 60).map(({ phrase }) => phrase);
  const rest = [...(checks ? ['scanner'] : []), ...verbs, ...phrases];
  return rest.length === 0 ? lead : `${lead}. args. ${rest.join('. ')}`;
}

/** The schema without defaults, titles, patterns and texts. */
export function skeletonOf(schema: unknown, depth = 0): unknown {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema) || depth > 14) return undefined;
  const members = Object.entries(schema).flatMap(([key, value]) => {
    const kept = memberOf(key, value, depth);
    return kept === undefined ? [] : [[key, kept] as const];
  });
  return Object.fromEntries(members);
}

function memberOf(key: string, value: unknown, depth: number): unknown {
  if (KEPT.has(key)) return value;
  if (key === 'items') return skeletonOf(value, depth + 1);
  if (key === 'description' && typeof value === 'string') return evidenceIn(value, true) || undefined;
  if (LISTS.has(key) && Array.isArray(value)) return value.map((branch) => skeletonOf(branch, depth + 1) ?? {});
  if (!BRANCHES.has(key) || typeof value !== 'object' || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, branch]) => [name, skeletonOf(branch, depth + 1) ?? {}]));
}

/** Keeps one tool with its judgement. */
function keep(tool: PlainTool, { set, risk }: Pick<JudgedTool, 'set' | 'risk'>): JudgedTool {
  const description = evidenceIn(tool.description ?? '', true);
  const hints = Object.entries((tool.annotations as Record<string, unknown> | undefined) ?? {}).filter(
    ([, value]) => typeof value === 'boolean',
  );
  return {
    set,
    risk,
    name: tool.name,
    ...(description && { description }),
    ...(tool.inputSchema !== undefined && { inputSchema: skeletonOf(tool.inputSchema) }),
    ...(hints.length > 0 && { annotations: Object.fromEntries(hints) }),
  };
}

/** Keeps the judged tools of a server, so that they are classed as in the whole scan. Returns those that are not. */
export function record(
  server: string,
  scan: readonly PlainTool[],
  judged: ReadonlyMap<string, Pick<JudgedTool, 'set' | 'risk'>>,
): JudgedServer {
  const tools = scan.flatMap((tool) => {
    const judgement = judged.get(tool.name);
    return judgement ? [keep(tool, judgement)] : [];
  });
  const others = scan.map(({ name }) => name).filter((name) => !judged.has(name));
  const step = Math.max(1, Math.floor(others.length / PEERS));
  const few = { server, peers: others.filter((_, at) => at % step === 0).slice(0, PEERS), tools };
  return differing(few, scan).length === 0 ? few : { server, peers: others, tools };
}

/** The tools that what is kept classes otherwise than the whole scan does. */
export function differing(kept: JudgedServer, scan: readonly PlainTool[]): readonly string[] {
  const whole = new Map(judge(kept, scan).map(({ judged, found }) => [judged.name, found.risk]));
  return judge(kept)
    .filter(({ judged, found }) => whole.get(judged.name) !== found.risk)
    .map(({ judged }) => judged.name);
}
