/**
 * Payment challenges that were delivered to agents and are not paid (policy.md §8), as the store keeps them. Each holds
 * what its dearest offer costs, until it is paid, or over.
 */
import type { AgentKey } from './agent-key.ts';
import type { Offer } from './offer.ts';

/** One challenge: any one of its offers may be paid, once. */
export interface DeliveredChallenge {
  /** The fingerprint of the call that it was made for. */
  readonly call: string;
  readonly agent: AgentKey;
  readonly offers: readonly Offer[];
  /** Those that were taken out: the server would still take a payment of them. */
  readonly refused: readonly Offer[];
  /** Epoch ms. */
  readonly until: number;
}

/** The same as it is kept. */
export interface OpenChallenge extends DeliveredChallenge {
  readonly id: string;
}

/** Open challenges of one agent key; a further one is denied, and none is forgotten for it. */
export const MAX_OPEN_CHALLENGES = 256;
/** Open challenges of a namespace: credentials can be invented. */
export const MAX_ALL_CHALLENGES = 65_536;
