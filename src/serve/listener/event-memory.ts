/** Which events an agent was given, and so may go on from (wire.md §2.7): streams belong to who opened them. */
import { valuesOf } from '../../http/headers.ts';

export interface EventMemory {
  /** An event with this id goes to the agent. */
  note(id: string): void;
  /** Whether it was given the event that these headers name as its last; also where they name none. */
  mayResume(rawHeaders: readonly string[]): boolean;
}

/** The newest are kept: a client goes on from the last that it read, and has not read far behind what was written. */
const MAX_IDS = 4_096;
/** A longer id is kept as its digest. */
const MAX_LENGTH = 64;

/** SECURITY: an id that is not known is nobody's: many servers have one event store for all their sessions, and ids that can be guessed. */
export function createEventMemory(sha256: (text: string) => string): EventMemory {
  const ids = new Set<string>();
  const short = (id: string) => (id.length > MAX_LENGTH ? sha256(id) : id);
  return {
    note(id) {
      const kept = short(id);
      ids.delete(kept);
      ids.add(kept);
      if (ids.size <= MAX_IDS) return;
      for (const oldest of ids) {
        ids.delete(oldest);
        return;
      }
    },
    mayResume(rawHeaders) {
      const [id = ''] = valuesOf(rawHeaders, 'last-event-id');
      // An id is UTF-8, of which a header has the bytes.
      return id === '' || ids.has(short(id)) || ids.has(short(Buffer.from(id, 'latin1').toString()));
    },
  };
}

/** Where nobody is told apart, every stream is everybody's. */
export const NO_MEMORY: EventMemory = { note: () => {}, mayResume: () => true };
