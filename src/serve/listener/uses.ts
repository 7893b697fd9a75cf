/** How many sessions each agent has open, so that nobody has to look through all of them for one. */
import type { Agent } from './agents.ts';

export interface Uses {
  add(agent: Agent): void;
  remove(agent: Agent): void;
  has(agent: Agent): boolean;
}

/** Nothing open yet. There are no more entries than sessions. */
export function createUses(): Uses {
  const counts = new Map<Agent, number>();
  return {
    add: (agent) => void counts.set(agent, (counts.get(agent) ?? 0) + 1),
    remove(agent) {
      const left = (counts.get(agent) ?? 0) - 1;
      if (left > 0) counts.set(agent, left);
      else counts.delete(agent);
    },
    has: (agent) => counts.has(agent),
  };
}
