/** A request of the agent, or of the proxy's own, that waits for its answer. */
import type { ForwardedCall } from '../../engine/arrival.ts';
import type { ServerFrame } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { ReplyTo } from '../exchange.ts';

/** What the answer to a request is for. */
export type Purpose =
  /** `challenged`: what its answer asks to be paid was judged already. */
  | { readonly kind: 'call'; readonly call: ForwardedCall; readonly challenged?: true }
  /** A call that is being judged: nothing was sent yet. */
  | { readonly kind: 'judging' }
  | { readonly kind: 'tools/list'; readonly cursor: string | undefined }
  /** Of what it lists, the agent gets its own. */
  | { readonly kind: 'tasks/list' }
  | { readonly kind: 'task'; readonly taskId: string | undefined }
  | { readonly kind: 'listen'; readonly toolChanges: boolean }
  | { readonly kind: 'own'; readonly resolve: (frame: ServerFrame | undefined) => void }
  /** Answered already by the proxy, after a time-out or a failure: what comes late is dropped. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'other' };

export interface PendingRequest {
  /** The client's. */
  readonly id: RequestId;
  /** What the server gets: the same, but where that was taken and may be replaced (wire.md §2.7). */
  readonly sentAs: RequestId;
  readonly method: string;
  readonly modern: boolean;
  readonly to: ReplyTo | undefined;
  readonly purpose: Purpose;
  /** Monotonic ms. */
  readonly since: number;
  /** Under what its progress is told, where that says to which exchange it goes. */
  readonly token?: ProgressToken | undefined;
}

/** A progress token as the client chose it, and as the server got it. */
export interface ProgressToken {
  readonly given: RequestId;
  readonly sentAs: RequestId;
}
