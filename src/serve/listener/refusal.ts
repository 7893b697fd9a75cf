/** Messages that are refused before a session sees them. */
import type { Refusal } from '../../mcp/messages/refusal.ts';
import type { Agent } from './agents.ts';

/** A frame that no session took is refused like any other (wire.md §2), and recorded as such. */
export function recordRefusal({ reason, message, id }: Refusal, { ports }: Agent): void {
  ports.log.warn(`refused a frame of the agent (${reason}): ${message}`);
  try {
    ports.audit.write([{ type: 'refused', fields: { reason, message, request_id: id?.text } }]);
  } catch (error) {
    ports.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
  }
}
