/** What the bridge to a remote server needs, and what it carries (wire.md §1). */
import type { HttpClient } from '../../http/client.ts';
import type { Look } from '../../http/sse.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { Sender } from '../../mcp/messages/id-finder.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import type { NonMessageEvent, Received } from '../upstream/read-answer.ts';

export interface BridgePorts {
  readonly client: HttpClient;
  /** Bytes. */
  readonly maxMessage: number;
  readonly log: { debug(text: string): void; warn(text: string): void; info(text: string): void };
  /** Takes secrets out of what the server says of itself, before anybody reads it. */
  mask(text: string): string;
  look(): Look<Sender>;
  /** Takes what the server said; what it answers with is waited for before more is read. */
  receive(messages: readonly Received[]): void | Promise<void>;
  /** Takes what a stream brings besides messages (comments, ids, times), as events that deliver nothing. */
  aside?(event: NonMessageEvent): void;
  /** Whether a request that was sent under this id has no answer yet, and is still waited for. */
  waitsFor(id: RequestId): boolean;
  /** These requests will have no answer; each that still waits gets an error. */
  fail(ids: readonly RequestId[], failure: Failure): void;
  /** The headers that a modern request has besides its body (wire.md §2.10). */
  headersFor(frame: OutgoingFrame): Readonly<Record<string, string>>;
  /** Asks the server anew for its tools, whose schemas decide about those headers. */
  relearnTools(): Promise<void>;
  /** Says to the operator what a 401 asks for. */
  unauthorized(wwwAuthenticate: string | undefined): void;
}
