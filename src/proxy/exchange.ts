/** The carrier of a session: where its frames come from, and where they go (wire.md §1). */

import type { ClientFrame, ClientMessage, FrameBytes, ServerFrame } from '../mcp/messages/frame.ts';
import type { RequestId } from '../mcp/messages/id.ts';
import type { Line } from '../mcp/messages/lines.ts';
import type { Refusal } from '../mcp/messages/refusal.ts';
import type { Credential } from '../mcp/payments/credential.ts';

/**
 * Where a frame of the agent came from and where what belongs to it goes back: one POST, one legacy message channel.
 * Made by the transport and compared by identity; undefined over stdio.
 */
export interface Exchange {
  readonly id: string;
  /** Reads what its requests pay with, where the transport carries payments outside of messages (policy.md §8). */
  readonly credentials?: (() => readonly (Credential | undefined)[]) | undefined;
}

/** A frame of the agent on its way in. `frame`: what these very bytes say (I7), where they were read already. */
export type Incoming = Line & {
  readonly exchange?: Exchange | undefined;
  readonly frame?: ClientFrame | Refusal | undefined;
  readonly known?: Known | undefined;
};

/** The facts that were found, in slices, of each message of a large frame. */
export type Known = ReadonlyMap<ClientMessage, KnownOf>;

export interface KnownOf {
  /** The first text in it that names one of Intercept's own files. */
  readonly ownPath: string | undefined;
  /** Of a call. */
  readonly fingerprint: string | undefined;
}

/** A frame of the server on its way in. `frame`: what these very bytes say, where they were read already. */
export type ServerLine = Line & { readonly frame?: ServerFrame | undefined };

/** Where the answer to a request goes: back with its exchange, alone or in the array of its batch. */
export interface ReplyTo {
  readonly exchange: Exchange | undefined;
  readonly batch: BatchAnswer | undefined;
}

/** A frame on its way to the server, with what a transport needs to know of it without reading it again. */
export interface OutgoingFrame {
  readonly bytes: FrameBytes;
  /** `batch`: an array of messages in one frame, where the server's transport takes one. */
  readonly kind: 'request' | 'notification' | 'response' | 'batch';
  /** The message, but for ids and tokens that were replaced; undefined for a batch, and for refusals of the server's own requests. */
  readonly message?: ClientMessage | undefined;
  /** Of a request, and in `ids` of those in a batch: the ids that the server gets, by which a transport names them in `upstreamFailed`. */
  readonly id?: RequestId | undefined;
  readonly ids?: readonly RequestId[] | undefined;
  /** True where it carries a protocol version of 2026-07-28 or later in `_meta`. */
  readonly modern: boolean;
  readonly exchange?: Exchange | undefined;
  /** The request that the client gave up, by the id that the server got: over HTTP a modern one ends with its stream. */
  readonly cancels?: RequestId | undefined;
  /** The proxy's own: no client waits for what comes back. */
  readonly own?: boolean | undefined;
}

/**
 * Where frames go. Each call is one write. `exchange` is undefined for what belongs to no request; `code` is that of an
 * error that the proxy itself answers with, alone.
 */
export interface SessionOutput {
  toServer(frames: readonly OutgoingFrame[]): void;
  toAgent(frames: readonly FrameBytes[], exchange: Exchange | undefined, code?: number): void;
}

/** The answers to a batch (wire.md §2.1): judged element by element, answered in one array once the last answer is there. */
export interface BatchAnswer {
  /** Takes an answer. Once it is the last, all of them, with commas between: the array without its brackets. */
  add(text: string): string | undefined;
  /** One answer fewer will come: its request was cancelled, and the others must not wait for it (I9). */
  forgo(): string | undefined;
}

/** Collects `expected` answers. */
export function createBatchAnswer(expected: number): BatchAnswer {
  const answers: string[] = [];
  let open = expected;
  const countDown = () => {
    open -= 1;
    return open === 0 && answers.length > 0 ? answers.join(',') : undefined;
  };
  return {
    add(text) {
      answers.push(text);
      return countDown();
    },
    forgo: countDown,
  };
}
