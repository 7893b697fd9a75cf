/** The requests and answers of the page of `init`. Texts of strangers come in pieces; servers and tools are named by their places. */
import type { Piece } from '../../core/reveal.ts';
import type { Column } from '../../setup/draft/model.ts';
import type { Risk } from '../../setup/risk/risk.ts';
import type { Cover, StartMode } from './words.ts';

/** The answer to signing in with the link. */
export interface SetupEntry {
  readonly key: string;
}

export type Counts = Readonly<Record<Column, number>>;

export interface ServerSummary {
  readonly name: readonly Piece[];
  readonly clients: readonly (readonly Piece[])[];
  readonly command: readonly Piece[];
  readonly notes: readonly (readonly Piece[])[];
  readonly kind: 'found' | 'starting' | 'scanned' | 'login' | 'failed' | 'left';
  /** Why its tools are not known, or why it is left alone. */
  readonly why: readonly Piece[];
  readonly ticked: boolean;
  readonly cover: Cover;
  /** The covers to choose from. */
  readonly covers: readonly Cover[];
  readonly library: readonly Piece[];
  readonly tools: number;
  /** Its policy was there before, and stays as it is. */
  readonly kept: boolean;
  readonly counts: Counts;
  /** Tools that are not as suggested. */
  readonly changed: number;
}

export interface SetupState {
  readonly stage: 'start' | 'rules' | 'mode' | 'done' | 'cancelled';
  readonly mode: StartMode;
  readonly revision: number;
  readonly canUndo: boolean;
  readonly servers: readonly ServerSummary[];
}

export interface ToolLine {
  readonly name: readonly Piece[];
  readonly description: readonly Piece[];
  readonly risk: Risk;
  /** Why it has its class, the deciding thing first. */
  readonly evidence: readonly Piece[];
  readonly sensitive: boolean;
  readonly unsure: boolean;
  readonly suggested: Column;
  /** `60/minute`. */
  readonly limit: string;
  /** The suggested rule says this beyond its column. */
  readonly says: readonly Piece[];
}

/** The tools of one server, which stay as they are. */
export interface ServerTools {
  readonly tools: readonly ToolLine[];
}

export interface DiagnosticLine {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly line: number;
  readonly message: readonly Piece[];
  readonly help: readonly Piece[];
}

/** The rules of one server, as they are chosen now. */
export interface ServerRules {
  readonly revision: number;
  /** The places of the chosen columns, one digit for each tool. */
  readonly columns: string;
  /** The policy as it will be written, without characters that show nothing. */
  readonly text: string;
  /** So many lines are left out at its end. */
  readonly moreLines: number;
  readonly diagnostics: readonly DiagnosticLine[];
  /** Tools that no policy can name. */
  readonly leftOut: readonly { readonly name: readonly Piece[]; readonly why: readonly Piece[] }[];
}
