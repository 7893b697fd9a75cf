/** Policies for servers that were scanned, or that the library knows, or of which nothing is known (setup.md §3.3). */
import { scannedState } from '../choose/scanned.ts';
import type { Choice, ServerState } from '../choose/servers.ts';
import { openDraft } from '../draft/draft.ts';
import { sumRisks } from '../draft/header.ts';
import type { Column, DraftOptions, PolicyDraft, Preset, ScannedServer } from '../draft/model.ts';
import { commentOf } from '../draft/text.ts';
import { classifyTools, type ToolRisk } from '../risk/risk.ts';
import type { Candidate } from './candidates.ts';
import type { ListedClass } from './listing.ts';
import { closedPolicy, inShadow } from './policies.ts';

const MOST_NAME = 120;

/** A server as it was scanned. */
export interface ClassifiedServer {
  readonly scanned: ScannedServer;
  readonly risks: readonly ToolRisk[];
}

/** The library, as far as init needs it. */
export interface LibraryDoor {
  /** The policy for a command whose package is exactly known. */
  find(candidate: Candidate): LibraryPolicy | undefined;
}

export interface LibraryPolicy {
  readonly id: string;
  /** As it is, for a server that nobody scanned. */
  text(name: string): string;
  /** Tool by tool, where the server's is the recorded one. */
  draft(scan: ClassifiedServer, options: DraftOptions): PolicyDraft & { readonly notes: readonly string[] };
}

export interface DraftingOptions {
  readonly preset: Preset;
  readonly date: string;
  readonly library: LibraryDoor | undefined;
}

/** Drafts the policy of one server. */
export interface Drafting {
  readonly notes: readonly string[];
  /** For the person who chooses. */
  readonly state: ServerState;
  draft(columns: ReadonlyMap<string, Column>): PolicyDraft;
}

/** Classifies the tools of a scan. */
export function scanResultOf(scanned: ScannedServer): ClassifiedServer {
  return { scanned, risks: classifyTools(scanned.tools) };
}

/** Its tools by name and class. */
export function listedClasses({ scanned, risks }: ClassifiedServer): readonly ListedClass[] {
  return scanned.tools.flatMap(({ name }, index) => {
    const risk = risks[index]?.risk;
    return risk === undefined ? [] : [{ name, risk }];
  });
}

/** Readies the draft of a scanned server: of the library where it knows it, else of the scan alone. */
export function draftingOf(candidate: Candidate, scan: ClassifiedServer, { preset, date, library }: DraftingOptions): Drafting {
  const { policy, server } = candidate;
  const command = server.start?.kind === 'local' ? server.start.command : server.start?.url;
  const shown = bare(command ?? '');
  const options = { name: policy.name, preset, date, origin: { command: shown }, header: headerOf(scan, preset, date, shown) };
  const known = library?.find(candidate);
  if (known) {
    const draft = (columns: ReadonlyMap<string, Column>) => known.draft(scan, { ...options, columns });
    const { notes } = known.draft(scan, options);
    return { notes, draft, state: scannedState(scan.scanned, scan.risks, options, { notes, draft }) };
  }
  const open = openDraft(scan.scanned, scan.risks);
  return { notes: [], state: scannedState(scan.scanned, scan.risks, options), draft: (columns) => open({ ...options, columns }) };
}

function headerOf({ scanned: { info }, risks }: ClassifiedServer, preset: Preset, date: string, command: string): readonly string[] {
  const name = info ? `${commentOf(info.name, MOST_NAME)} ${commentOf(info.version, MOST_NAME)}` : command;
  return [
    `Policy "${preset}" for ${name}, drafted by "intercept init" on ${date}`,
    sumRisks(risks),
    '',
    'Edit:   a running intercept takes each change of this file as it is saved',
    `Test:   intercept validate FILE; intercept explain -c FILE --call TOOL --args '{}'`,
    'Renew:  intercept init --update',
    'Undo:   intercept init --undo; this file stays',
  ];
}

/** The command alone: SECURITY: arguments and a URL's query may hold secrets. */
function bare(command: string): string {
  const url = URL.canParse(command) ? new URL(command) : undefined;
  return url && /^https?:$/.test(url.protocol) ? `${url.origin}${url.pathname}` : command;
}

/** Writes the policy that was chosen for a server; undefined where it stays open. */
export function chosenText(
  candidate: Candidate,
  { servers, mode }: Choice,
  drafting: Drafting | undefined,
  { date, library }: DraftingOptions,
): string | undefined {
  const chosen = servers.get(candidate.server.id);
  if (!chosen || chosen.cover === 'open') return undefined;
  const text = coverText(candidate, chosen, drafting, library, date);
  return text === undefined || mode === 'enforce' ? text : inShadow(text);
}

function coverText(
  candidate: Candidate,
  { cover, columns }: { readonly cover: string; readonly columns: ReadonlyMap<string, Column> },
  drafting: Drafting | undefined,
  library: LibraryDoor | undefined,
  date: string,
): string | undefined {
  const { name } = candidate.policy;
  if (cover === 'rules') return drafting?.draft(columns).text;
  return cover === 'library' ? library?.find(candidate)?.text(name) : closedPolicy(name, date);
}
