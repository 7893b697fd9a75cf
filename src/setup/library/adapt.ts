/**
 * A policy for a server that the library knows and a scan saw (setup.md §3): tool by tool the library's entry, where the tool
 * is defined as it was recorded and is no worse than it was; else the draft of the scan.
 */
import { draftPolicy } from '../draft/draft.ts';
import type { DraftOptions, PolicyDraft, ScannedServer } from '../draft/model.ts';
import { RISKS, type ToolRisk } from '../risk/risk.ts';
import { hashDefinition } from './definition.ts';
import type { Level } from './make.ts';
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
  const same = server.tools.filter((tool, index) => isAsRecorded(known.get(tool.name), hashDefinition(tool), risks[index]));
  const level = levelOf(options);
  const taken = new Set(same.map(({ name }) => name).filter((name) => level !== undefined && !options.columns?.has(name)));
  const header = [`rules of ${taken.size} tools are those of the library's "${entry.id}"`, ...(options.header ?? [])];
  const draft = draftPolicy(server, risks, { ...options, header: taken.size === 0 ? (options.header ?? []) : header });
  const ofLibrary = level === undefined ? undefined : library.policyOf(entry, level);
  const isMerged = ofLibrary !== undefined && taken.size > 0;
  const merged = isMerged && mergePolicy(draft.text, ofLibrary, { takes: (tool) => taken.has(tool), keepsKeys: true });
  return {
    text: merged ? merged.text : draft.text,
    leftOut: draft.leftOut,
    taken: [...taken],
    onlyInLibrary: [...known.keys()].filter((name) => !names.has(name)),
    onlyOnServer: [...names].filter((name) => !known.has(name)),
    changed: [...names].filter((name) => known.has(name) && !same.some((tool) => tool.name === name)),
  };
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
