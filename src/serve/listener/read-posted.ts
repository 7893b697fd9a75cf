/** What a POST says. A large body is read in turns, and counts as its agent's for so long (wire.md §2.13). */

import type { ServedRequest } from '../../http/server.ts';
import { readClientFrame } from '../../mcp/messages/client.ts';
import type { ClientFrame, FrameLimits } from '../../mcp/messages/frame.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import { isLarge, readInTurns } from '../../proxy/turns.ts';
import type { Agent } from './agents.ts';

/** Reads the body; nothing where there is no room for one more of that size, which was answered then. */
export function readPosted(
  { reply }: ServedRequest,
  bytes: Uint8Array,
  limits: FrameLimits,
  { room }: Agent,
): ClientFrame | Refusal | undefined | Promise<ClientFrame | Refusal | undefined> {
  if (!isLarge(bytes)) return readClientFrame(bytes, limits);
  if (room.take(bytes.length)) return readInTurns(bytes, limits).finally(() => room.give(bytes.length));
  reply.refuse(503, 'too much waits to be judged');
  return undefined;
}
