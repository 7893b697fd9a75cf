/** The servers that a person chooses about, as they are found and scanned, and what was chosen (setup.md §3.4). */
import type { Cover, StartMode } from '../../console/setup/words.ts';
import type { Column, PolicyDraft } from '../draft/model.ts';
import type { ToolRisk } from '../risk/risk.ts';

/** A tool of a scanned server. Name and description are hostile text. */
export interface ToolToChoose {
  readonly name: string;
  readonly description?: string | undefined;
  readonly risk: ToolRisk;
  /** The column that the draft without a choice amounts to. */
  readonly suggested: Column;
  /** The limit of the tool where it is limited: `60/minute`. */
  readonly limit: string;
  /** The suggested rule says this beyond its column: `only action: list, get`. */
  readonly says?: string | undefined;
}

/** Names the evidence of a tool's class, each thing once, in one line. Hostile text. */
export function evidenceOf({ evidence }: ToolRisk): string {
  return [...new Set(evidence.map(({ says }) => says))].join(', ');
}

export type ServerState =
  | { readonly kind: 'found' }
  | { readonly kind: 'starting' }
  | {
      readonly kind: 'scanned';
      readonly tools: readonly ToolToChoose[];
      /** Its policy is there, and is used as it is: there is nothing to choose about its tools. */
      readonly kept?: boolean | undefined;
      /** For people: what the draft took from elsewhere. */
      readonly notes?: readonly string[] | undefined;
      /** Writes the policy with these choices in place of what is suggested, by the name of a tool. */
      draft(columns: ReadonlyMap<string, Column>): PolicyDraft;
    }
  /** Its tools are not known. */
  | { readonly kind: 'login' | 'failed'; readonly why: string }
  /** It is listed, and there is nothing to choose about it. */
  | { readonly kind: 'left'; readonly why: string };

export interface ServerToChoose {
  /** Never shown. */
  readonly id: string;
  /** As the client's file names it: hostile text, as are the command and the notes. */
  readonly name: string;
  /** The clients that have it, by name. */
  readonly clients: readonly string[];
  /** For people, without secrets. */
  readonly command: string;
  /** False: it is not started unless the person ticks it. */
  readonly ticked?: boolean | undefined;
  readonly notes?: readonly string[] | undefined;
  /** The id of the library's policy that may be taken where the server was not scanned. */
  readonly library?: string | undefined;
  readonly state: ServerState;
}

export interface ServerChoice {
  readonly cover: Cover;
  /** The tools for which the person chose another column than the suggested one. */
  readonly columns: ReadonlyMap<string, Column>;
}

export interface Choice {
  readonly mode: StartMode;
  /** By id; those that are left alone are not in it. */
  readonly servers: ReadonlyMap<string, ServerChoice>;
}

/** Starts these servers, a few at a time, and reports each new state. Called again for those that the person tries again. */
export type ScanServers = (ids: readonly string[], put: (id: string, state: ServerState) => void) => void;
