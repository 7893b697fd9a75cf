/**
 * Ids and progress tokens of the agent (wire.md §2.7). Over stdio one that is in flight is refused; over HTTP each POST
 * is its own scope, and one that is taken goes to the server under another, which is restored in what comes back.
 */

import type { Span } from '../../mcp/json/scan-types.ts';
import { idAt, membersOf } from '../../mcp/messages/envelope.ts';
import type { RequestFrame } from '../../mcp/messages/frame.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { Exchange, ReplyTo } from '../exchange.ts';
import type { Session } from '../state.ts';
import type { PendingRequest, ProgressToken } from './inflight.ts';

/** The id that the server gets for one that is taken; undefined where the request has to be refused. */
export function otherId(id: RequestId, to: ReplyTo | undefined, session: Session): RequestId | undefined {
  if (!session.replaceIds || isWaiting(id, to?.exchange, session)) return undefined;
  return freshId(session);
}

/** An id, or a token, that nobody can have used: unguessable, and different each time. */
export function freshId({ ownPrefix, ports }: Session): RequestId {
  const value = `${ownPrefix}${ports.newId()}`;
  return { key: `s:${value}`, text: JSON.stringify(value) };
}

/** The requests that the agent can mean by this id of its own, the oldest first. */
export function meantBy(id: RequestId, { inflight, replaceIds }: Session): readonly PendingRequest[] {
  if (replaceIds) return [...inflight.all()].filter((request) => request.id.key === id.key && request.purpose.kind !== 'own');
  const request = inflight.get(id.key);
  return request ? [request] : [];
}

/** Where the request's progress token stands. */
export function tokenSpan({ text, params }: RequestFrame): Span | undefined {
  const meta = params.members.get('_meta');
  if (!meta || !text.includes('progressToken', meta.start)) return undefined;
  return membersOf(text, meta).find(({ key }) => key === 'progressToken');
}

/** The token as the server gets it: another where one of the same text is in use, because its progress could not be kept apart. */
export function tokenToSend(text: string, span: Span | undefined, session: Session): ProgressToken | undefined {
  const given = span && idAt(text, span);
  if (!given) return undefined;
  return { given, sentAs: withToken(given.key, session) ? freshId(session) : given };
}

/** The request whose progress carries this token. */
export function withToken(key: string, { inflight }: Session): PendingRequest | undefined {
  for (const request of inflight.all()) if (request.token?.sentAs.key === key) return request;
  return undefined;
}

function isWaiting({ key }: RequestId, exchange: Exchange | undefined, { inflight }: Session): boolean {
  for (const { id, to } of inflight.all()) if (id.key === key && to?.exchange === exchange) return true;
  return false;
}
