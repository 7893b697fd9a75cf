/**
 * The claims of idempotent calls that this process is carrying out (policy.md §9): a lease each, renewed until the call is
 * settled. INVARIANT I6: while a call is carried out, no identical one finds its claim lapsed.
 */
import type { HeldClaim } from '../core/claim.ts';
import type { Store } from '../core/store.ts';

/** ms; a lease lasts 10 s, so that two renewals may fail before it lapses. */
export const RENEW_EVERY = 3_000;

export interface Leases {
  /** From now on the claim's lease is renewed. */
  keep(claim: HeldClaim): void;
  /** The call was settled, or what became of it will not be known. */
  end(claim: HeldClaim): void;
  /** Resolves when this process no longer carries out the call with this key; undefined where it does not carry it out. */
  ended(key: string): Promise<void> | undefined;
}

interface LeaseLog {
  warn(text: string): void;
  error(text: string): void;
}

interface Kept {
  readonly claim: HeldClaim;
  readonly ended: Promise<void>;
  readonly resolve: () => void;
}

/** Renews nothing, and has no timer, before there is a claim. One for all sessions of a process. */
export function createLeases({ store, log }: { readonly store: Pick<Store, 'renew'>; readonly log: LeaseLog }): Leases {
  const kept = new Map<string, Kept>();
  let timer: ReturnType<typeof setInterval> | undefined;
  const end = ({ key, token }: HeldClaim) => {
    const found = kept.get(key);
    if (found?.claim.token !== token) return;
    kept.delete(key);
    found.resolve();
    if (kept.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const renew = async () => {
    try {
      for (const claim of await store.renew([...kept.values()].map((one) => one.claim))) {
        log.warn(`state: the lease of the idempotent call ${claim.key.slice(0, 12)} was lost: its outcome counts as unknown`);
        end(claim);
      }
    } catch (error) {
      log.error(`state: leases of idempotent calls could not be renewed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return {
    keep(claim) {
      const { promise, resolve } = Promise.withResolvers<void>();
      kept.set(claim.key, { claim, ended: promise, resolve });
      timer ??= setInterval(renew, RENEW_EVERY);
      // No program is kept alive by it; a browser's timer is a number, and keeps none.
      if (typeof timer === 'object') timer.unref();
    },
    end,
    ended: (key) => kept.get(key)?.ended,
  };
}
