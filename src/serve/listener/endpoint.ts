/** What stands behind a path of the listener. */

import type { ServedRequest } from '../../http/server.ts';
import type { ClientFrame } from '../../mcp/messages/frame.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import type { ProxySession } from '../../proxy/session.ts';
import type { Agent } from './agents.ts';

export interface Endpoint {
  /** Serves a request to its end; every one is answered, whatever happens (I9). */
  serve(request: ServedRequest): Promise<void>;
  /** Those that are open, to be told of a reload. */
  sessions(): readonly ProxySession[];
  /** Whether a call is under way; streams that only listen do not count. */
  isBusy(): boolean;
  isUsedBy(agent: Agent): boolean;
  /** Ends what has waited too long. Monotonic ms. */
  sweep(now: number): Promise<void>;
  /** Answers what still waits, and settles it. */
  end(why: string): Promise<void>;
}

/** How a server of HTTP+SSE is spoken to: with sessions of the listener's own. */
export interface OldWay {
  serve(request: ServedRequest): Promise<void>;
  /** Serves a POST whose body was read. */
  post(request: ServedRequest, bytes: Uint8Array, frame: ClientFrame | Refusal, agent: Agent): Promise<void>;
}
