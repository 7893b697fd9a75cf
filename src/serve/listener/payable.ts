/** What a server's answer may ask the client to pay on its way through the listener (policy.md §8): in headers and in bodies. */

import type { UpstreamAnswer } from '../../http/client.ts';
import { toClient } from '../../http/headers.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { mayAskForPayment, readDemand, withoutDemand } from '../../mcp/payments/http-payment.ts';
import type { ProxySession } from '../../proxy/session.ts';
import { atOnceOrInTurns } from '../../proxy/turns.ts';

/** What may be passed on of an answer. */
interface Payable {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  /** The body asks for a payment, and is no message. */
  readonly isPlain: boolean;
}

const PAYMENT_REQUIRED = 402;

/** Judges what a refusal asks; undefined where nothing is left that may be paid: then its requests are answered. */
export async function payableOf(
  received: UpstreamAnswer,
  body: Uint8Array,
  ids: readonly RequestId[],
  session: ProxySession,
): Promise<Payable | undefined> {
  const { status } = received;
  const headers = toClient(received.headers);
  if (!mayAsk(status, headers)) return { headers: headersOf(received, session), body, isPlain: false };
  const asking = { headers, body: Buffer.from(body).toString() };
  const demand = await atOnceOrInTurns(readDemand(asking));
  const cut = await session.judgeHttp(ids, demand.kind === 'unreadable' ? demand.kind : demand.offers, status === PAYMENT_REQUIRED);
  if (cut === 'answered') return undefined;
  if (demand.kind === 'unreadable') return { headers: cut === 'all' ? withoutDemand(headers) : headers, body, isPlain: false };
  const isPlain = demand.isPlain && status === PAYMENT_REQUIRED;
  const gone = cut === 'all' ? new Set(demand.offers.keys()) : cut;
  if (gone.size === 0) return { headers, body, isPlain };
  const left = demand.without(gone);
  return { headers: { ...left.headers }, body: left.body === asking.body ? body : Buffer.from(left.body), isPlain };
}

/** Wallets look at a 402; some servers ask with another refusal, for instance where a payment was not enough. */
function mayAsk(status: number, headers: Readonly<Record<string, string>>): boolean {
  return status === PAYMENT_REQUIRED || (status >= 400 && status < 500 && status !== 408 && mayAskForPayment(headers));
}

/** The headers of any other answer. SECURITY: what they ask is judged by nobody, so they may ask nothing. */
export function headersOf({ headers }: Pick<UpstreamAnswer, 'headers'>, session: ProxySession): Record<string, string> {
  const kept = toClient(headers);
  return mayAskForPayment(kept) && session.limitsSpend() ? withoutDemand(kept) : kept;
}
