/** Whom a rule binds (policy.md §3 `agents`). */
import { matchesName } from './names.ts';
import type { Agents } from './policy.ts';

/** Whether the rule binds this agent. One that nobody vouches for is bound by every rule (I2). */
export function agentBound(agents: Agents | undefined, agent: string | undefined): boolean {
  if (!agents || agent === undefined) return true;
  const named = agents.only.length === 0 || agents.only.some((pattern) => matchesName(pattern, agent));
  return named && !agents.except.some((pattern) => matchesName(pattern, agent));
}
