/** Messages of the proxy's own to a server of the same transport: its questions for the tool list, and its answers to what the policy keeps from the client. */

import { withoutPayment } from '../../http/headers.ts';
import { headersFor } from '../../mcp/messages/headers.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import { adopt, kindOf, readBody, withoutBom } from '../upstream/read-answer.ts';
import { failureBy, failureOf, refusedBy, wordsOf } from '../upstream/refused.ts';
import { relayEvents } from './relay-events.ts';
import type { Relay, RelaySession } from './relay-session.ts';

/** What belongs to one message. */
const NOT_OURS = /^(?:last-event-id|mcp-(?:method|name|param-.*))$/;
/** How long the server has to take a message of the proxy's own, ms. */
const OWN = 60_000;
const NOTHING = new Uint8Array(0);
const ACCEPT = { accept: 'application/json, text/event-stream' };
const NOBODY = { write: () => true, drained: async () => {}, waiting: 0, end: () => {}, abort: () => {} };

/** Sends one, and takes what comes back. Never rejects. */
export async function sendOwn(frame: OutgoingFrame, { session, headers, cookies, id: sessionId }: RelaySession, way: Relay): Promise<void> {
  const { bytes, id, ids = id ? [id] : [] } = frame;
  // SECURITY: of what the client last said only what names it and its session goes with a message that is not its own.
  const kept = Object.entries(withoutPayment(headers)).filter(([name]) => !NOT_OURS.test(name));
  const own = {
    ...headersFor(frame, session.inputSchemaOf),
    ...(sessionId !== undefined && !frame.modern && { 'mcp-session-id': sessionId }),
  };
  try {
    const all = { ...Object.fromEntries(kept), ...ACCEPT, ...lowerCase(own), 'content-type': 'application/json' };
    const answer = await way.client.send({ method: 'POST', headers: all, body: bytes, cookies, signal: AbortSignal.timeout(OWN) });
    if (kindOf(answer) === 'events') await relayEvents(answer, session, NOBODY, way.maxMessage);
    else {
      const body = withoutBom((await readBody(answer, way.maxMessage)) ?? NOTHING);
      if (body.length > 0) await session.relay({ kind: 'line', bytes: adopt(body, ids) });
      if (answer.status > 299)
        return void (await session.upstreamFailed(
          ids,
          failureOf(
            answer.status,
            wordsOf(refusedBy(answer, body), (text) => way.mask(text, headers.authorization)),
          ),
        ));
    }
    await session.upstreamFailed(ids, failureOf(answer.status));
  } catch (fault) {
    await session.upstreamFailed(ids, failureBy(fault));
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
