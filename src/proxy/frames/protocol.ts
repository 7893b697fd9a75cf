/** What the agent's requests say of the protocol it speaks (wire.md §1): who it is, and in which era. */
import { isObject, type Json } from '../../core/json.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { ClientMessage } from '../../mcp/messages/frame.ts';
import { CLIENT_KEY, MODERN, VERSION_KEY } from '../../mcp/messages/revisions.ts';
import type { Session } from '../state.ts';
import { showsPages } from '../waiting/own-state.ts';

type Asking = Extract<ClientMessage, { kind: 'request' | 'notification' }>;

/** Learns who speaks and in which era; answers whether this message is of the modern one. */
export function noteProtocol(frame: Asking, { protocol }: Session): boolean {
  const { method, params, text } = frame;
  if (method === 'initialize') {
    protocol.client ??= nameIn(readMember(frame, 'clientInfo'));
    protocol.showsPages = showsPages(readMember(frame, 'capabilities'));
  }
  const meta = params.members.get('_meta');
  // The common legacy request has no `_meta`, or one without a version: neither is parsed.
  if (!meta || !text.includes('protocolVersion', meta.start)) return false;
  const value = readMember(frame, '_meta');
  if (!isObject(value)) return false;
  const version = value.get(VERSION_KEY);
  if (typeof version !== 'string' || version < MODERN) return false;
  protocol.modernMeta = text.slice(meta.start, meta.end);
  // There is no handshake: each message says who sends it.
  protocol.client = nameIn(value.get(CLIENT_KEY)) ?? protocol.client;
  return true;
}

function nameIn(info: Json | undefined): string | undefined {
  const name = isObject(info) ? info.get('name') : undefined;
  return typeof name === 'string' ? name.slice(0, 200) : undefined;
}
