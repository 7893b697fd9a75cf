/** What the bridge to a remote server needs, and what it carries (wire.md §1). */
import type { HttpClient } from '../../http/client.ts';
import type { Look } from '../../http/sse.ts';

export interface Id {
  /** Equal for ids that any reader could take for one another. */
  readonly key: string;
  /** JSON text. */
  readonly text: string;
}

/** A frame on its way to the server, as enforcement hands it out. */
export interface BridgeFrame {
  readonly bytes: Uint8Array | string;
  readonly kind: 'request' | 'notification' | 'response' | 'batch';
  readonly message?:
    | { readonly kind: string; readonly method?: string; readonly text: string; readonly idSpan?: Span | undefined }
    | undefined;
  readonly id?: Id | undefined;
  readonly ids?: readonly Id[] | undefined;
  /** Of the era of 2026-07-28: no session, and a cancelled request ends with its stream. */
  readonly modern: boolean;
  readonly cancels?: Id | undefined;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Whose message was thrown away. */
export interface Sender {
  readonly id: Id | undefined;
  readonly isRequest: boolean;
}

export type ServerMessage =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  | { readonly kind: 'too_long'; readonly length: number; readonly sender: Sender };

/** Of an event of the server's: all but its message. */
export interface Aside {
  readonly bytes: Uint8Array;
  readonly hasId: boolean;
}

/** SPEC: policy.md §6. */
export interface Failure {
  readonly outcome: 'kept' | 'released';
  readonly why: string;
}

export interface BridgePorts {
  readonly client: HttpClient;
  /** Bytes. */
  readonly maxMessage: number;
  readonly log: { debug(text: string): void; warn(text: string): void; info(text: string): void };
  /** Takes secrets out of what the server says of itself, before anybody reads it. */
  mask(text: string): string;
  look(): Look<Sender>;
  /** Takes what the server said; what it answers with is waited for before more is read. */
  receive(messages: readonly ServerMessage[]): void | Promise<void>;
  /** Takes what a stream brings besides messages (comments, ids, times), as events that deliver nothing. */
  aside?(event: Aside): void;
  /** Whether a request that was sent under this id has no answer yet, and is still waited for. */
  waitsFor(id: Id): boolean;
  /** These requests will have no answer; each that still waits gets an error. */
  fail(ids: readonly Id[], failure: Failure): void;
  /** The headers that a modern request has besides its body (wire.md §2.10). */
  headersFor(frame: BridgeFrame): Readonly<Record<string, string>>;
  /** Asks the server anew for its tools, whose schemas decide about those headers. */
  relearnTools(): Promise<void>;
  /** Says to the operator what a 401 asks for. */
  unauthorized(wwwAuthenticate: string | undefined): void;
}
