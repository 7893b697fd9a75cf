/**
 * HTTP+SSE (2024-11-05): one stream that brings everything, and names an endpoint that takes messages. SECURITY: an
 * endpoint of another origin is refused: what is sent there would carry the operator's credentials.
 */
import type { UpstreamAnswer } from '../../http/client.ts';
import { UpstreamFault } from '../../http/fault.ts';
import type { WholeEvent } from '../../http/sse.ts';
import { kindOf, readEvents } from '../upstream/read-answer.ts';
import { failureBy } from '../upstream/refused.ts';
import { deliver, get, type Link, passAside } from './link.ts';

/** How long the server has to name its endpoint, ms. */
const PATIENCE = 30_000;

/** Opens the stream; rejects with `UpstreamFault` where the server does not speak so, or not in time. */
export async function openChannel(link: Link): Promise<void> {
  const stop = new AbortController();
  const named = Promise.withResolvers<URL>();
  const late = setTimeout(() => named.reject(new UpstreamFault('unreachable', 'did not name its endpoint', false)), PATIENCE);
  // What befalls the stream before it names its endpoint is told by that; afterwards nobody asks.
  open(link, named, AbortSignal.any([link.over.signal, stop.signal])).catch(named.reject);
  try {
    link.channel = { endpoint: await named.promise };
    link.transport = 'sse';
  } catch (error) {
    stop.abort();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function open(link: Link, named: PromiseWithResolvers<URL>, signal: AbortSignal): Promise<void> {
  const answer = await get(link, undefined, signal);
  if (answer.status === 200 && kindOf(answer) === 'events') return follow(answer, link, named);
  answer.discard();
  throw new UpstreamFault('unreachable', `offers no event stream either (HTTP status ${answer.status})`, false);
}

async function follow(answer: UpstreamAnswer, link: Link, named: PromiseWithResolvers<URL>): Promise<void> {
  const { ports } = link;
  const takeEvent = (event: WholeEvent) => {
    if (event.type === 'endpoint') nameEndpoint(event, ports.client.url, named);
    else passAside(event, link);
  };
  const take = (messages: Parameters<typeof deliver>[0]) => {
    // SPEC: the endpoint is named first. What begins with a message is a stream of another transport.
    named.reject(new UpstreamFault('unreachable', 'begins its event stream with something else than its endpoint', false));
    return deliver(messages, link);
  };
  const why = await readEvents(answer, ports, take, { lastId: undefined, retry: undefined }, takeEvent).then(
    () => 'the server ended its event stream',
    (error: unknown) => failureBy(error).why,
  );
  named.reject(new UpstreamFault('broken', 'ended its event stream before it named its endpoint', false));
  link.channel = undefined;
  const lost = [...link.adrift.values()];
  link.adrift.clear();
  ports.fail(lost, { outcome: 'kept', why });
}

function nameEndpoint({ data }: WholeEvent, base: URL, named: PromiseWithResolvers<URL>): void {
  const text = Buffer.from(data ?? '').toString();
  const endpoint = URL.parse(text, base);
  if (endpoint?.origin === base.origin) named.resolve(endpoint);
  else
    named.reject(new UpstreamFault('foreign_origin', `names an endpoint of another origin, ${JSON.stringify(text.slice(0, 200))}`, false));
}
