/** Denials that come too fast to be kept in full (cli.md §2): an agent must not fill the disk with what it may not do. */
import type { AuditEvent, CallEvent, PlainEvent } from '../../core/audit.ts';

const MINUTE = 60_000;
/** Denied and refused records a minute that hold their arguments: of one agent key, and of all keys of one name, which can be invented. */
const MOST_OF_KEY = 100;
const MOST_OF_NAME = 500;
/** INVARIANT I11: keys and names that are counted apart; beyond them all are one. */
const MOST_COUNTED = 1_000;
const OTHERS = '\0others';

/** Answers whether this record comes after so many others that it is written without arguments. */
export function openFlood(): (event: AuditEvent, now: number) => boolean {
  const counts = new Map<string, number>();
  let minute = 0;

  function count(key: string): number {
    const known = counts.has(key) || counts.size < MOST_COUNTED ? key : OTHERS;
    const next = (counts.get(known) ?? 0) + 1;
    counts.set(known, next);
    return next;
  }

  return (event, now) => {
    if (!isRefusal(event)) return false;
    if (Math.abs(now - minute) >= MINUTE) {
      counts.clear();
      minute = now;
    }
    const { agent, agentKey = '' } = event.type === 'tool_call' ? (event as CallEvent) : NOBODY;
    const ofName = count(`name ${agent ?? ''}`);
    return count(`key ${agentKey}`) > MOST_OF_KEY || ofName > MOST_OF_NAME;
  };
}

const NOBODY: Pick<CallEvent, 'agent' | 'agentKey'> = {};

function isRefusal(event: AuditEvent): boolean {
  if (event.type === 'tool_call') return (event as CallEvent).result === 'denied';
  return event.type === 'refused' || (event.type === 'request' && (event as PlainEvent).fields.result === 'denied');
}
