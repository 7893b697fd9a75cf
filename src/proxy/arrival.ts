/** A tool call on its way into judgement. */
import type { Call } from '../core/decision.ts';
import type { Reservation } from '../core/store.ts';

/** A tool call as it arrived. `held` is the reservation that an earlier leg of the same call still holds (wire.md §2.12). */
export interface Arrival {
  readonly id: string;
  readonly call: Call;
  readonly argsText: string;
  readonly requestId: string | undefined;
  readonly client: string | undefined;
  readonly arrivedAt: number;
  readonly held?: Reservation | undefined;
}
