/** The server's own streams: the one for what belongs to no request, those that go on where another broke, and that of HTTP+SSE. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamAnswer } from '../../http/client.ts';
import { UpstreamFault } from '../../http/fault.ts';
import type { WholeEvent } from '../../http/sse.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { kindOf, type Place, type Received, readEvents } from '../upstream/read-answer.ts';
import { failureBy, failureOf, lossOf, readRefused, wordsOf } from '../upstream/refused.ts';
import { OPENING, within } from '../upstream/within.ts';
import { deliver, get, isWaiting, passNonMessage, type ServerConnection } from './connection.ts';

/** ms before a stream is asked for again, unless the server says; and the most it may ask for. */
const RETRY = 1_000;
const MAX_RETRY = 30_000;
/** A broken stream may fail to resume so often in a row. */
const MAX_FAILURES = 5;
/** A stream that was open is asked for again at once, but not more often than that, ms. */
const STEADY = 5_000;
type OnLost = (session: string, loss: 'certainly' | 'likely') => void;
/** The outcome of asking for a stream: `read` where it was one, also if it broke, `refused` where it makes no sense to ask again. */
type Went = 'read' | 'failed' | 'refused' | { readonly lost: 'certainly' | 'likely' };

/**
 * Keeps the stream for the server's own messages open, where the server offers one, until the session or the bridge ends.
 * Resolves when the server has answered whether it does. INVARIANT I9: what it asks while no such stream is open is lost in
 * many servers, and the call that it asks for waits in vain; so a call must not get there first.
 */
export function listen(connection: ServerConnection, onLost: OnLost): Promise<unknown> {
  const answered = Promise.withResolvers<void>();
  void keepOpen(connection, onLost, answered.resolve).finally(answered.resolve);
  return within(OPENING, answered.promise);
}

async function keepOpen(connection: ServerConnection, onLost: OnLost, onAnswer: () => void): Promise<void> {
  connection.listening?.abort();
  const giveUp = new AbortController();
  connection.listening = giveUp;
  const signal = AbortSignal.any([giveUp.signal, connection.over.signal]);
  const place: Place = { lastId: undefined, retry: undefined };
  const { session } = connection;
  let answered = onAnswer;
  let atOnce = Number.NEGATIVE_INFINITY;
  for (let failures = 0, wasOpen = false; !signal.aborted; ) {
    const went = await follow(connection, place, signal, { answer: () => answered() });
    answered();
    // Where there never was a stream, 404 says that there is none: in a new session it would say so again, without end.
    if (typeof went === 'object' && wasOpen && session !== undefined) onLost(session, went.lost);
    if (went === 'refused' || typeof went === 'object') break;
    wasOpen ||= went === 'read';
    failures = went === 'failed' ? failures + 1 : 0;
    const now = performance.now();
    if (went === 'failed' || place.retry !== undefined || now - atOnce < STEADY) await pause(place, failures, signal);
    else {
      atOnce = now;
      answered = reopen(connection);
    }
  }
  answered();
  if (connection.listening !== giveUp) return;
  connection.listening = undefined;
  failElsewhere('the server ended the stream before it answered', connection);
}

/** The stream ended on which these answers were to come. */
function failElsewhere(why: string, { elsewhere, ports }: ServerConnection): void {
  const lost = [...elsewhere.values()];
  elsewhere.clear();
  ports.fail(lost, { outcome: 'kept', why });
}

/** INVARIANT I9: while there is no stream, requests wait as they do for the first one. Answers with what ends that. */
function reopen(connection: ServerConnection): () => void {
  const opened = Promise.withResolvers<void>();
  const reopening = within(OPENING, opened.promise).finally(() => {
    if (connection.reopening === reopening) connection.reopening = undefined;
  });
  connection.reopening = reopening;
  return opened.resolve;
}

/** Goes on with a stream that broke before its request was answered, from the last event that came. */
export async function resume(ids: readonly RequestId[], place: Place, connection: ServerConnection, stop: AbortSignal): Promise<void> {
  const answered = new AbortController();
  const signal = AbortSignal.any([stop, connection.over.signal, answered.signal]);
  const settled = () => !isWaiting(ids, connection) && answered.abort();
  for (let failures = 0; failures < MAX_FAILURES && !signal.aborted; ) {
    await pause(place, failures, signal);
    settled();
    if (signal.aborted) return;
    const went = await follow(connection, place, signal, { messages: settled });
    if (went === 'refused' || typeof went === 'object') break;
    failures = went === 'read' ? 0 : failures + 1;
  }
  connection.ports.fail(ids, { outcome: 'kept', why: 'the stream broke before the server answered, and does not go on' });
}

/** One stream to its end. */
async function follow(
  connection: ServerConnection,
  place: Place,
  signal: AbortSignal,
  on: { readonly answer?: () => void; readonly messages?: () => void },
): Promise<Went> {
  const { ports } = connection;
  let isOpen = false;
  try {
    const answer = await get(connection, place.lastId, signal);
    on.answer?.();
    if (answer.status !== 200 || kindOf(answer) !== 'events') return await declined(answer, connection);
    const take = async (messages: readonly Received[]) => {
      await deliver(messages, connection);
      on.messages?.();
    };
    isOpen = true;
    await readEvents(answer, ports, take, place, (event) => passNonMessage(event, connection));
    return 'read';
  } catch (error) {
    if (!signal.aborted) ports.log.debug(`a stream of the server: ${failureBy(error).why}`);
    return isOpen ? 'read' : 'failed';
  }
}

/** 405 says that the server has no such stream, which is fine. */
async function declined(answer: UpstreamAnswer, { ports }: ServerConnection): Promise<Went> {
  const refused = await readRefused(answer, ports.maxMessage);
  const { status } = refused;
  if (status !== 405) ports.log.debug(`a stream of the server: ${failureOf(status, wordsOf(refused, ports.mask)).why}`);
  const lost = lossOf(refused, false);
  if (lost) return { lost };
  return status >= 500 || status === 408 || status === 429 ? 'failed' : 'refused';
}

async function pause({ retry = RETRY }: Place, failures: number, signal: AbortSignal): Promise<void> {
  const wait = Math.min(MAX_RETRY, retry * 2 ** Math.min(failures, 5));
  await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
}

/** The server has so long to name its endpoint, ms. */
const PATIENCE = 30_000;

/**
 * HTTP+SSE (2024-11-05): opens the one stream that brings everything, and names an endpoint that takes messages. SECURITY: an
 * endpoint of another origin is refused: what is sent there would carry the operator's credentials. Rejects with `UpstreamFault` where the
 * server does not speak so, or not in time.
 */
export async function openChannel(connection: ServerConnection): Promise<void> {
  const stop = new AbortController();
  const named = Promise.withResolvers<URL>();
  const late = setTimeout(() => named.reject(new UpstreamFault('unreachable', 'did not name its endpoint', false)), PATIENCE);
  // `named` rejects where the stream fails before it names its endpoint; afterwards nobody asks.
  askForChannel(connection, named, AbortSignal.any([connection.over.signal, stop.signal])).catch(named.reject);
  try {
    connection.channel = { endpoint: await named.promise };
    connection.transport = 'sse';
  } catch (error) {
    stop.abort();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function askForChannel(connection: ServerConnection, named: PromiseWithResolvers<URL>, signal: AbortSignal): Promise<void> {
  const answer = await get(connection, undefined, signal);
  if (answer.status === 200 && kindOf(answer) === 'events') return followChannel(answer, connection, named);
  answer.discard();
  throw new UpstreamFault('unreachable', `offers no event stream either (HTTP status ${answer.status})`, false);
}

async function followChannel(answer: UpstreamAnswer, connection: ServerConnection, named: PromiseWithResolvers<URL>): Promise<void> {
  const { ports } = connection;
  const takeEvent = (event: WholeEvent) => {
    if (event.type === 'endpoint') nameEndpoint(event, ports.client.url, named);
    else passNonMessage(event, connection);
  };
  const take = (messages: readonly Received[]) => {
    // SPEC: the endpoint is named first. What begins with a message is a stream of another transport.
    named.reject(new UpstreamFault('unreachable', 'begins its event stream with something else than its endpoint', false));
    return deliver(messages, connection);
  };
  const why = await readEvents(answer, ports, take, { lastId: undefined, retry: undefined }, takeEvent).then(
    () => 'the server ended its event stream',
    (error: unknown) => failureBy(error).why,
  );
  named.reject(new UpstreamFault('broken', 'ended its event stream before it named its endpoint', false));
  connection.channel = undefined;
  failElsewhere(why, connection);
}

function nameEndpoint({ data }: WholeEvent, base: URL, named: PromiseWithResolvers<URL>): void {
  const text = Buffer.from(data ?? '').toString();
  const endpoint = URL.parse(text, base);
  if (endpoint?.origin === base.origin) named.resolve(endpoint);
  else
    named.reject(new UpstreamFault('foreign_origin', `names an endpoint of another origin, ${JSON.stringify(text.slice(0, 200))}`, false));
}
