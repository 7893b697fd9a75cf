/** What the agent's requests say of the protocol it speaks (wire.md §1): who it is, and in which era. */
import { isObject } from '../core/json.ts';
import type { ClientMessage } from '../mcp/frame.ts';
import { readJson } from '../mcp/json.ts';
import { showsPages } from './own-state.ts';
import { MODERN, type Session, VERSION_KEY } from './state.ts';

type Asking = Extract<ClientMessage, { kind: 'request' | 'notification' }>;

/** Learns who speaks and in which era; answers whether this message is of the modern one. */
export function noteProtocol({ method, params, text }: Asking, { protocol }: Session): boolean {
  if (method === 'initialize') {
    protocol.client ??= clientName(text, params.members.get('clientInfo')?.start);
    const capabilities = params.members.get('capabilities');
    protocol.showsPages = showsPages(capabilities && readJson(text, capabilities.start));
  }
  const meta = params.members.get('_meta');
  // The common legacy request has no `_meta`, or one without a version: neither is parsed.
  if (!meta || !text.includes('protocolVersion', meta.start)) return false;
  const value = readJson(text, meta.start);
  const version = isObject(value) ? value.get(VERSION_KEY) : undefined;
  if (typeof version !== 'string' || version < MODERN) return false;
  protocol.modernMeta = text.slice(meta.start, meta.end);
  return true;
}

function clientName(text: string, start: number | undefined): string | undefined {
  const info = start === undefined ? undefined : readJson(text, start);
  const name = isObject(info) ? info.get('name') : undefined;
  return typeof name === 'string' ? name.slice(0, 200) : undefined;
}
