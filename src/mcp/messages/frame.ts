/**
 * Messages as both sides send them. A frame keeps the text it came in and where things stand there, so that what is
 * not changed is forwarded as it came. All spans are into `text`; an element of a batch has the whole batch's text
 * and, in `span`, its own place. What a message says is `text.slice(span.start, span.end)`.
 */
import type { ClientMeta } from '../../core/client-meta.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Member, Span } from '../json/scan-types.ts';
import type { RequestId } from './id.ts';
import type { Refusal } from './refusal.ts';

/** The top-level members of `params`, by their decoded keys, with the spans of their values. `null` counts as absent. */
export interface Params {
  readonly members: ReadonlyMap<string, Member>;
  readonly span: Span | undefined;
}

/** The limits of a client's frame (wire.md §2.13). */
export interface FrameLimits {
  readonly maxDepth: number;
  /** Bytes of an id, a method or a tool's name. */
  readonly maxName: number;
  /** Over HTTP all four characters of JSON's white space are fine (wire.md §2.6); a line has spaces only. */
  readonly anySpace?: boolean;
}

/** Of frames that come as lines: their white space is spaces alone (wire.md §2.6). */
export const LINE_LIMITS: FrameLimits = { maxDepth: 256, maxName: 1024 };
/** Of frames that come as bodies. */
export const BODY_LIMITS: FrameLimits = { ...LINE_LIMITS, anySpace: true };

/** A whole frame without its line end: bytes as they arrived, or text that we wrote. */
export type FrameBytes = Uint8Array | string;

/** Of a large frame, which is read in slices: members of `params` or `result` as values, so that nobody has to read them again. */
export type FrameValues = ReadonlyMap<string, Json>;

interface Placed {
  readonly text: string;
  readonly span: Span;
}

export interface RequestFrame extends Placed {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly idSpan: Span;
  readonly method: string;
  readonly params: Params;
  readonly values?: FrameValues | undefined;
  /** Where a `_meta` beside `params` stands: no revision has one there, and some readers look for payments in it. */
  readonly meta?: Span | undefined;
}

export interface NotificationFrame extends Placed {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: Params;
  readonly values?: FrameValues | undefined;
  /** Where a `_meta` beside `params` stands: no revision has one there, and some readers look for payments in it. */
  readonly meta?: Span | undefined;
}

/** A client's answer to the server. */
export interface ReplyFrame extends Placed {
  readonly kind: 'response';
  /** Undefined for an error without one. */
  readonly id: RequestId | undefined;
  readonly idSpan: Span | undefined;
  readonly isError: boolean;
}

export type ClientMessage = RequestFrame | NotificationFrame | ReplyFrame;

export interface ClientBatch extends Placed {
  readonly kind: 'batch';
  readonly items: readonly (ClientMessage | Refusal)[];
}

export type ClientFrame = ClientMessage | ClientBatch;

/** The request of a `tools/call`. */
export interface ToolCall {
  readonly name: string;
  readonly args: JsonObject;
  /** The arguments' JSON text as it arrived; `{}` where there are none. */
  readonly argsText: string;
  /** `params._meta`. */
  readonly meta: JsonObject | undefined;
  readonly requestState: string | undefined;
  /** The client adds this in `params._meta` beside the protocol's own keys; undefined where it adds nothing. */
  readonly ownMeta: ClientMeta | undefined;
  /** The JSON text of its `inputResponses`. */
  readonly inputResponses: string | undefined;
  /** True where it asks to become a task. */
  readonly task: boolean;
}

/** A server's answer. */
export interface ResponseFrame extends Placed {
  readonly kind: 'response';
  readonly id: RequestId;
  readonly idSpan: Span;
  readonly outcome: 'result' | 'error';
  /** The request failed: a JSON-RPC error, or a result with `isError: true`. */
  readonly isError: boolean;
  readonly resultType: string | undefined;
  readonly result: Member | undefined;
  readonly error: Span | undefined;
  /** The members of `result`, where it is an object. */
  readonly members: ReadonlyMap<string, Member>;
  readonly values?: FrameValues | undefined;
}

/** JSON, but what it is cannot be read with certainty; never passed on. */
export interface UnreadableFrame {
  readonly kind: 'unreadable';
  /** The request that it seems to answer. */
  readonly id: RequestId | undefined;
  readonly why: string;
}

export type ServerMessage =
  | ResponseFrame
  | RequestFrame
  | NotificationFrame
  | ({ readonly kind: 'error_without_id' } & Placed)
  | UnreadableFrame;

export interface ServerBatch extends Placed {
  readonly kind: 'batch';
  readonly items: readonly ServerMessage[];
}

/** `noise` is no JSON at all: a banner. */
export type ServerFrame = ServerMessage | ServerBatch | { readonly kind: 'noise' };
