/** Turns what the server sent into what the agent knows: under the agent's own ids and tokens again, for the exchange that it belongs to (wire.md §2.7). */
import { applyEdits, type Edit } from '../../mcp/json/edit.ts';
import type { Member, Span } from '../../mcp/json/scan-types.ts';
import { idAt, membersOf } from '../../mcp/messages/envelope.ts';
import type { FrameBytes, ServerFrame } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { readServerFrame } from '../../mcp/messages/server.ts';
import type { Exchange } from '../exchange.ts';
import { withToken } from '../requests/ids.ts';
import type { PendingRequest } from '../requests/inflight.ts';
import type { Session } from '../state.ts';

type Response = Extract<ServerFrame, { kind: 'response' }>;
type Notification = Extract<ServerFrame, { kind: 'notification' }>;

const SUBSCRIPTION_KEY = 'io.modelcontextprotocol/subscriptionId';
const encoder = new TextEncoder();

/** The answer under the request's own id, where that was replaced, or the server wrote it otherwise. */
export function restoreAnswer(frame: Response, { id, purpose }: PendingRequest): { readonly frame: Response; readonly bytes: string } {
  const edits: Edit[] = [{ ...frame.idSpan, text: id.text }];
  const named = purpose.kind === 'listen' ? subscriptionSpan(frame.text, frame.members.get('_meta')) : undefined;
  if (named) edits.push({ ...named, text: id.text });
  const text = applyEdits(frame.text, frame.span, edits);
  const restored = readServerFrame(encoder.encode(text));
  if (restored.kind !== 'response') throw new Error('an answer could not be read again');
  return { frame: restored, bytes: text };
}

/** A notification as its agent knows it, and the exchange whose request it is about. */
export interface Related {
  readonly bytes: FrameBytes;
  readonly exchange: Exchange | undefined;
}

/** Over stdio everything goes one way under the agent's own ids; only a listener that the server ends leaves. */
export function relate(frame: Notification, bytes: FrameBytes, session: Session): Related {
  if (frame.method === 'notifications/cancelled') return endListener(frame, bytes, session);
  if (!session.replaceIds) return { bytes, exchange: undefined };
  if (frame.method === 'notifications/progress') return aboutToken(frame, bytes, session);
  const span = subscriptionSpan(frame.text, frame.params.members.get('_meta'));
  const id = span && idAt(frame.text, span);
  const listener = id && session.inflight.get(id.key);
  if (span && listener?.purpose.kind === 'listen') return named(frame, bytes, span, listener.sentAs, listener.id, listener);
  return { bytes, exchange: frame.method === 'notifications/message' ? likelyExchange(session) : undefined };
}

/**
 * The exchange that a message of the server without any mark is most likely about: the newest call's, in the legacy era,
 * where all streams of a session lead to the same client; in the modern one only where there is no other.
 */
export function likelyExchange({ inflight }: Session): Exchange | undefined {
  let likely: PendingRequest | undefined;
  let count = 0;
  for (const request of inflight.all()) {
    const { purpose, to } = request;
    if (!to?.exchange || purpose.kind === 'listen' || purpose.kind === 'judging') continue;
    count += 1;
    if (likely?.purpose.kind !== 'call' || purpose.kind === 'call') likely = request;
  }
  return likely?.modern && count > 1 ? undefined : likely?.to?.exchange;
}

/** SPEC: 2026-07-28 — a server may end a subscription by cancelling it; no answer follows. In all else it cancels its own requests. */
function endListener(frame: Notification, bytes: FrameBytes, { inflight }: Session): Related {
  const span = frame.params.members.get('requestId');
  const id = span && idAt(frame.text, span);
  const listener = id && inflight.get(id.key);
  if (!span || listener?.purpose.kind !== 'listen') return { bytes, exchange: undefined };
  inflight.take(listener.sentAs.key);
  return named(frame, bytes, span, listener.sentAs, listener.id, listener);
}

function aboutToken(frame: Notification, bytes: FrameBytes, session: Session): Related {
  const span = frame.params.members.get('progressToken');
  const id = span && idAt(frame.text, span);
  const request = id && withToken(id.key, session);
  if (!span || !request?.token) return { bytes, exchange: undefined };
  return named(frame, bytes, span, request.token.sentAs, request.token.given, request);
}

function named(
  { text, span: whole }: Notification,
  bytes: FrameBytes,
  span: Span,
  sentAs: RequestId,
  given: RequestId,
  { to }: PendingRequest,
): Related {
  const restored = sentAs === given ? bytes : applyEdits(text, whole, [{ ...span, text: given.text }]);
  return { bytes: restored, exchange: to?.exchange };
}

function subscriptionSpan(text: string, meta: Member | undefined): Span | undefined {
  return membersOf(text, meta).findLast(({ key }) => key === SUBSCRIPTION_KEY);
}
