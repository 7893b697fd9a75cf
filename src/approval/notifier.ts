/**
 * Webhooks (policy.md §12), from the store's outbox: what is due is taken for a minute, tried once, and put back where
 * that failed. A process that dies leaves it to the next. Nothing here is waited for by a call.
 */
import type { Approvals, Delivery } from '../core/approval.ts';
import type { Every } from '../core/ticker.ts';
import { type BodyOptions, webhookBody } from './body.ts';
import { nextTry, originOf, type Posted, postWebhook, webhookHeaders } from './post.ts';

/** The outbox is asked this often, ms. */
const LOOK = 500;
/** So many of its deliveries are under way at once. */
const AT_ONCE = 4;
/** Deliveries under way at the end may still arrive, ms. */
const FAREWELL = 1_000;

export interface Webhook {
  readonly url: string;
  readonly key: Uint8Array | undefined;
}

export interface NotifierOptions extends BodyOptions {
  readonly approvals: Pick<Approvals, 'due' | 'delivered' | 'failed'>;
  /** The webhook of the policy in force. */
  readonly webhook: () => Webhook | undefined;
  readonly owner: string;
  readonly namespace: string;
  readonly clock: () => number;
  /** 0 to 1. */
  readonly chance: () => number;
  readonly onFailure: (failure: FailedDelivery) => void;
  readonly warn: (text: string) => void;
  readonly every: Every;
}

/** A try that failed; `nextTryAt` undefined: it was the last. */
export interface FailedDelivery {
  readonly approval: string;
  readonly event: string;
  /** Where it was sent, without what may be secret of it. */
  readonly webhook: string;
  readonly tries: number;
  readonly why: string;
  readonly nextTryAt: number | undefined;
}

export interface Notifier {
  /** Ends it; what does not arrive at once is left to the next process. */
  stop(): Promise<void>;
}

/** Starts to deliver. */
export function openNotifier(options: NotifierOptions): Notifier {
  const ending = new AbortController();
  const pending = new Set<Promise<void>>();
  const take = openTaker(options);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let looking: Promise<void> | undefined;
  let isIdle = false;
  const again = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      looking = look();
    }, 0).unref();
  };
  const look = async () => {
    const free = AT_ONCE - pending.size;
    const webhook = options.webhook();
    const taken = webhook && free > 0 ? await take(free) : [];
    for (const delivery of taken) {
      const work = deliver(delivery, webhook as Webhook, options, ending.signal).finally(() => pending.delete(work));
      pending.add(work);
    }
    isIdle = taken.length === 0;
    if (!isIdle) again();
  };
  const stopLooking = options.every(LOOK, () => {
    if (!isIdle) return;
    isIdle = false;
    looking = look();
  });
  again();
  return {
    async stop() {
      stopped = true;
      stopLooking();
      clearTimeout(timer);
      const patience = setTimeout(() => ending.abort(), FAREWELL);
      await looking;
      await Promise.allSettled(pending);
      clearTimeout(patience);
    },
  };
}

/** Takes what is due; where the store fails, says so once and takes nothing. */
function openTaker({ approvals, owner, namespace, warn }: NotifierOptions): (free: number) => Promise<readonly Delivery[]> {
  let failing = false;
  return async (free) => {
    try {
      const taken = await approvals.due(owner, namespace, free);
      failing = false;
      return taken;
    } catch (error) {
      if (!failing) warn(`webhook: the outbox does not answer: ${error instanceof Error ? error.message : String(error)}`);
      failing = true;
      return [];
    }
  };
}

async function deliver(delivery: Delivery, webhook: Webhook, options: NotifierOptions, ended: AbortSignal): Promise<void> {
  const { approvals, clock, warn } = options;
  try {
    const body = webhookBody(delivery.event, options);
    const posted = await postWebhook(webhook.url, webhookHeaders(delivery.id, clock(), body, webhook.key), body, ended);
    if (posted.kind === 'taken') await approvals.delivered(delivery.id);
    else if (!ended.aborted) await putBack(delivery, posted, webhook, options);
  } catch (error) {
    warn(`webhook: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function putBack(
  { id, tries, event }: Delivery,
  { why, final, wish }: Extract<Posted, { kind: 'failed' }>,
  { url }: Webhook,
  { approvals, clock, chance, onFailure }: NotifierOptions,
): Promise<void> {
  const nextTryAt = final ? undefined : nextTry({ tries, at: event.at, now: clock(), wish, chance: chance() });
  onFailure({ approval: event.approval.id, event: event.type, webhook: originOf(url), tries, why, nextTryAt });
  await approvals.failed(id, nextTryAt);
}
