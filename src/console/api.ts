/** The requests and answers of the pages. Texts of strangers come in pieces, times as spans from now. */
import type { ApprovalState } from '../core/approval.ts';
import type { Piece } from '../core/reveal.ts';

/** One value of a call's arguments. */
export interface ArgumentRow {
  readonly path: readonly Piece[];
  /** `text, 12 characters`, `number`, `true or false`, `null`, `empty list`, `empty object`. */
  readonly type: string;
  readonly value: readonly Piece[];
  /** Another name of the same object looks like this one. */
  readonly twin: boolean;
}

/** The answer to signing in. */
export interface SignedIn {
  /** The page sends this along with the cookie. */
  readonly key: string;
  /** The name of who runs the proxy; empty where the system does not know it. */
  readonly operator: string;
  readonly mayDecide: boolean;
}

/** The beginning of an argument. */
export type BriefArgument = Pick<ArgumentRow, 'path' | 'type' | 'value'> & { readonly isCut: boolean };

/** One line of the list. */
export interface ApprovalLine {
  readonly id: string;
  readonly tool: readonly Piece[];
  readonly agent: readonly Piece[] | null;
  readonly credential: readonly Piece[] | null;
  readonly rule: readonly Piece[];
  readonly message: readonly Piece[];
  /** The first arguments; those in which calls of one tool differ stand before the others. */
  readonly args: readonly BriefArgument[];
  /** There are more arguments than these. */
  readonly hasMore: boolean;
  /** ms since it was asked for. */
  readonly age: number;
  readonly expiresIn: number;
}

export interface ApprovalList {
  readonly approvals: readonly ApprovalLine[];
}

/** The ids of the list, in its order. */
export interface ApprovalIds {
  readonly ids: readonly string[];
}

/** The part of a record that may change while it is shown. */
export interface RecordState {
  readonly state: ApprovalState;
  /** ms from now; negative where it is over. */
  readonly expiresIn: number;
  /** ms of the whole time-out that `expiresIn` is the rest of. */
  readonly wholeTime: number;
  readonly createdAt: string;
  readonly decided: { readonly by: string; readonly at: string; readonly reason: string } | null;
}

/** A whole record. */
export interface ApprovalView extends RecordState {
  readonly id: string;
  readonly tool: readonly Piece[];
  /** Null: not known. */
  readonly agent: readonly Piece[] | null;
  /** The beginning of the hash of the client's own credential; null: it brought none. */
  readonly credential: readonly Piece[] | null;
  readonly upstream: readonly Piece[];
  readonly policy: readonly Piece[] | null;
  readonly revision: string;
  readonly client: readonly Piece[] | null;
  readonly rules: readonly { readonly rule: readonly Piece[]; readonly message: readonly Piece[] }[];
  readonly overrides: readonly (readonly Piece[])[];
  readonly rows: readonly ArgumentRow[];
  /** The client's additions in `_meta`. */
  readonly meta: readonly ArgumentRow[];
  /** The reader looks at these first. */
  readonly warnings: readonly string[];
  /** All arguments are shown in full; only then may the page approve. */
  readonly complete: boolean;
  readonly attempts: number;
  readonly retries: number;
}

/** A whole record, and whether this session may decide on it. */
export interface ShownRecord extends ApprovalView {
  readonly mayDecide: boolean;
}
