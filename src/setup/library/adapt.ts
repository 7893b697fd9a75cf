/**
 * A policy for a server that the library knows and a scan saw (setup.md §3): tool by tool the library's entry, where the tool
 * is defined as it was recorded and is no worse than it was; else the draft of the scan.
 */
import { draftPolicy } from '../draft/draft.ts';
import type { DraftOptions, PolicyDraft, ScannedServer } from '../draft/model.ts';
import { RISKS, type ScannedTool, type ToolRisk } from '../risk/risk.ts';
import { hashDefinition } from './definition.ts';
import { type Level, packageOf } from './make.ts';
import { mergePolicy } from './merge.ts';
import type { LibraryEntry, LibraryTool, PolicyLibrary } from './shape.ts';

export interface AdaptedPolicy extends PolicyDraft {
  /** Tools whose rules are the library's. */
  readonly taken: readonly string[];
  /** Tools that the library knows and the server has not. */
  readonly onlyInLibrary: readonly string[];
  readonly onlyOnServer: readonly string[];
  /** Tools that both have, and that are not what was recorded. */
  readonly changed: readonly string[];
}

/** Drafts the policy. Presets that the library has no level for are drafted from the scan alone. */
export function draftFromLibrary(
  library: PolicyLibrary,
  entry: LibraryEntry,
  server: ScannedServer,
  risks: readonly ToolRisk[],
  options: DraftOptions,
): AdaptedPolicy {
  const known = new Map(entry.tools.map((tool) => [tool.name, tool]));
  const names = new Set(server.tools.map(({ name }) => name));
  const isSame = (tool: ScannedTool, index: number) => isAsRecorded(known.get(tool.name), hashDefinition(tool), risks[index]);
  const same = new Set(server.tools.filter(isSame).map(({ name }) => name));
  const draft = draftPolicy(server, risks, options);
  const leftOut = new Set(draft.leftOut.map(({ name }) => name));
  const level = levelOf(options);
  const taken = new Set([...same].filter((name) => level !== undefined && !options.columns?.has(name) && !leftOut.has(name)));
  const merged = level === undefined || taken.size === 0 ? undefined : take(draft.text, library.policyOf(entry, level), taken);
  return {
    text: merged === undefined ? draft.text : noted(merged, entry, taken.size),
    leftOut: draft.leftOut,
    taken: [...taken],
    onlyInLibrary: [...known.keys()].filter((name) => !names.has(name)),
    onlyOnServer: [...names].filter((name) => !known.has(name)),
    changed: [...names].filter((name) => known.has(name) && !same.has(name)),
  };
}

function take(draft: string, policy: string, taken: ReadonlySet<string>): string {
  return mergePolicy(draft, policy, { takes: (tool) => taken.has(tool), keepsKeys: true }).text;
}

/** Says behind the first line of the header whose rules these are. */
function noted(text: string, entry: LibraryEntry, count: number): string {
  const note = `# ${count} tools have the rules of the library's "${entry.id}", made for ${packageOf(entry)}`;
  return text.replace(/^(?:#.*\n)?/, (first) => `${first}${note}\n`);
}

function isAsRecorded(recorded: LibraryTool | undefined, hash: string, risk: ToolRisk | undefined): boolean {
  if (recorded?.hash !== hash || !risk) return false;
  return RISKS.indexOf(risk.risk) <= RISKS.indexOf(recorded.risk) && (recorded.sensitive || !risk.sensitive);
}

function levelOf({ preset }: DraftOptions): Level | undefined {
  return preset === 'suggested' || preset === 'read-only' ? preset : undefined;
}

/** The library's policy as it is, for a server that nobody scanned, under another name. */
export function renamePolicy(policy: string, name: string): string {
  return policy.replace(/^name: .*$/m, () => `name: ${JSON.stringify(name)}`);
}
