/**
 * The agent key (INVARIANT I13, policy.md §6): the one answer to "which agent" for everything that bounds or belongs to
 * an agent: pending records, denials, approvals, stored results, buffers, sessions, challenges. Counters and `agents:`
 * go by the name alone, since a new credential must not begin a limit anew.
 */

/** Identifies an agent: its name by the operator's word, and the hash of the credential that it brought for the server. */
export interface AgentIdentity {
  /** Undefined: nobody gave it a name. */
  readonly agent: string | undefined;
  /** Undefined: the operator's own credential is used, or none. Nobody vouches for it before the server has taken it. */
  readonly credential?: string | undefined;
}

/** JSON text: the name or null, or an array of that and the credential's hash. Two agents never have the same one. */
export type AgentKey = string;

/** The key of this agent. */
export function agentKey({ agent, credential }: AgentIdentity): AgentKey {
  const name = agent === undefined ? 'null' : JSON.stringify(agent);
  return credential === undefined ? name : `[${name},${JSON.stringify(credential)}]`;
}

/** All agents of one name may together have the pending records of this many keys: credentials can be invented. */
export const KEYS_OF_A_NAME = 5;

const SHOWN = 8;

/** The beginning of the hash: enough for people to distinguish agents without a name. */
export function shownCredential(credential: string | undefined): string | undefined {
  return credential?.slice(0, SHOWN);
}
