import type { ToolCatalog } from './catalog.ts';
import type { Call } from './decision.ts';
import type { ToolMatcher } from './match.ts';
import type { Policy } from './policy.ts';
import type { Pause } from './store.ts';

/** A call is judged by these besides itself. */
export interface Facts {
  readonly policy: Policy;
  readonly match: ToolMatcher;
  readonly catalog: ToolCatalog | undefined;
  readonly pause: Pause | undefined;
  /** The hash of what the client brought for the server: with the agent's name it is the agent key (policy.md §6). */
  readonly credential?: string | undefined;
  /** The call's fingerprint; asked for only where a counter or an approval needs it. */
  readonly fingerprint: (call: Call) => string;
}
