/** An event stream of the server's on its way to the client (wire.md §2.6, §5): event by event, with ids, comments and retries as they came. */

import type { UpstreamAnswer } from '../../http/client.ts';
import type { EventStream } from '../../http/reply.ts';
import { createEventParser, piecesOf, type SseEvent } from '../../http/sse.ts';
import { renderEvent, renderMessage } from '../../http/sse-render.ts';
import { createIdFinder, type Sender } from '../../mcp/messages/id-finder.ts';
import type { ProxySession } from '../../proxy/session.ts';
import { openShare } from '../../proxy/turns.ts';

/** What is known of a stream once it has ended. */
export interface Ended {
  /** Its events had ids: the client may ask for what is missing. */
  readonly resumable: boolean;
  /** Why it broke; undefined where it came to its end. */
  readonly fault: unknown;
}

/** Relays events until the server ends the stream, or it breaks. Reads no faster than the client does. `note`: called with the id of each event. */
export async function relayEvents(
  { body }: UpstreamAnswer,
  session: ProxySession,
  stream: EventStream,
  maxMessage: number,
  note: (id: string) => void = () => {},
): Promise<Ended> {
  const parser = createEventParser(maxMessage, createIdFinder);
  const share = openShare();
  let resumable = false;
  try {
    for await (const piece of piecesOf(body))
      for (const event of parser.push(piece)) {
        if (event.kind === 'event' && event.id) {
          resumable = true;
          note(event.id);
        }
        if (!stream.write(await judged(event, session))) await stream.drained();
        const turn = share.next();
        if (turn) await turn;
      }
    return { resumable, fault: undefined };
  } catch (fault) {
    return { resumable, fault };
  }
}

/** SECURITY: the data of every event is judged, whatever the event is called: a client may look at all of them. */
async function judged(event: SseEvent<Sender>, session: ProxySession): Promise<Uint8Array> {
  if (event.kind === 'event' && !event.data?.length) return renderEvent(event, event.data);
  const frames = await session.relay(event.kind === 'event' ? { kind: 'line', bytes: event.data as Uint8Array } : event);
  const [first, ...others] = frames;
  const written = event.kind === 'event' ? renderEvent(event, first) : first === undefined ? new Uint8Array(0) : renderMessage(first);
  return others.length === 0 ? written : Buffer.concat([written, ...others.map(renderMessage)]);
}
