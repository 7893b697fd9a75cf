/** A connection that is lost, made anew once for all requests that find it so: the client's `initialize` is said again. */
import { randomUUID } from 'node:crypto';
import type { UpstreamAnswer } from '../../http/client.ts';
import { UpstreamFault } from '../../http/fault.ts';
import { createCookieJar } from '../../http/headers.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import type { Received } from '../upstream/read-answer.ts';
import { kindOf, type Peeked, peek, readBody, readEvents, withoutBom } from '../upstream/read-answer.ts';
import { failureBy, readRefused, wordsOf } from '../upstream/refused.ts';
import { openChannel } from './channel.ts';
import { deliver, isWaiting, type Link, type OpenRequest, post } from './link.ts';
import { listen } from './listen.ts';

/** How long the server has to answer the handshake, ms. */
const PATIENCE = 30_000;
/** How long requests of a lost session have to be told so themselves, ms. */
const STRAGGLERS = 2_000;
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
/** What may stand in the headers that name a session and a revision. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;
const VERSION = /^[\w.-]{1,64}$/;

/** Remembers the client's `initialize`, to be said again. */
export function rememberGreeting({ message }: OutgoingFrame, link: Link): void {
  if (message?.kind !== 'request') return;
  link.greeting = { before: message.text.slice(0, message.idSpan.start), after: message.text.slice(message.idSpan.end) };
}

/** Takes the session's id from the answer to `initialize`. */
export function noteSession({ headers }: UpstreamAnswer, link: Link): void {
  const id = headers['mcp-session-id'];
  link.session = typeof id === 'string' && SESSION_ID.test(id) ? id : undefined;
}

/** Takes the revision from it. */
export function noteVersion(messages: readonly Received[], link: Link): void {
  for (const message of messages) if (message.kind === 'line') takeVersion(peek(message.bytes), link);
}

function takeVersion(said: Peeked | undefined, link: Link): void {
  const version = said?.result?.protocolVersion;
  if (typeof version === 'string' && VERSION.test(version)) link.version = version;
}

/**
 * Opens a new session in the place of `lost`; answers whether there is one now. What waits in one that is `certainly` lost
 * gets an error; where that is only likely, what was begun goes on.
 */
export function renewSession(lost: string, link: Link, loss: 'certainly' | 'likely'): Promise<boolean> {
  if (link.session !== lost) return link.renewing ?? Promise.resolve(link.session !== undefined);
  if (!link.greeting) return Promise.resolve(false);
  link.ports.log.warn('the server lost the session: a new one is opened, without the subscriptions of the old one');
  link.session = undefined;
  link.isLost = true;
  link.listening?.abort();
  if (loss === 'certainly') abandon(lost, link);
  return renew(link, () => greetAnew(link));
}

/** Resolves when a connection that is being made anew is there; one that could not be made is tried once more. Rejects with `UpstreamFault` where there is none. */
export async function ready(link: Link): Promise<void> {
  if (link.renewing) await link.renewing;
  else if (link.isLost) await renew(link, () => greetAnew(link));
  if (link.isLost) throw new UpstreamFault('unreachable', `lost the session, and there is no new one: ${link.trouble}`, false);
}

/** Opens a new stream in the place of one that ended (HTTP+SSE). `isGreeting`: the client says hello itself. */
export function renewChannel(link: Link, isGreeting: boolean): Promise<boolean> {
  return renew(link, async () => {
    link.cookies = createCookieJar();
    await openChannel(link);
    if (!isGreeting && link.greeting) await greet(link);
  });
}

/** SECURITY: a server that points to another origin is not asked in any other way; whoever waits is told so. */
function renew(link: Link, work: () => Promise<void>): Promise<boolean> {
  link.renewing ??= work()
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof UpstreamFault && error.code === 'foreign_origin') throw error;
        link.trouble = failureBy(error).why;
        link.ports.log.warn(`no connection: ${link.trouble}`);
        return false;
      },
    )
    .finally(() => {
      link.renewing = undefined;
    });
  return link.renewing;
}

/** What has its stream in the lost session ends now; what has no answer yet will soon be told the same, or never anything. */
function abandon(lost: string, link: Link): void {
  const isLost = ({ session, ids }: OpenRequest) => session === lost && isWaiting(ids, link);
  const end = (request: OpenRequest) => {
    link.ports.fail(request.ids, { outcome: 'kept', why: 'the server lost the session before it answered' });
    request.giveUp.abort();
  };
  for (const request of link.open.values()) if (isLost(request) && request.isStreaming) end(request);
  const late = () => [...link.open.values()].filter(isLost).forEach(end);
  setTimeout(late, STRAGGLERS).unref();
}

/** A cookie that led to a node which lost the session, or is gone, would lead there again. */
function greetAnew(link: Link): Promise<void> {
  link.cookies = createCookieJar();
  return greet(link);
}

async function greet(link: Link): Promise<void> {
  const { greeting } = link;
  const id = `intercept-${randomUUID()}`;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE);
  const signal = AbortSignal.any([link.over.signal, late.signal]);
  const welcome = Promise.withResolvers<Peeked>();
  welcome.promise.catch(() => undefined);
  signal.addEventListener('abort', () => welcome.reject(unanswered()));
  link.version = undefined;
  link.expected = { id, take: welcome.resolve };
  try {
    const answer = await post({ bytes: `${greeting?.before}"${id}"${greeting?.after}` }, link, signal);
    if (answer.status > 299) throw await refusedGreeting(answer, link);
    if (link.transport !== 'sse') noteSession(answer, link);
    void readOut(answer, link).then(() => link.transport !== 'sse' && welcome.reject(unanswered()));
    const said = await welcome.promise;
    if (!said.result) throw new UpstreamFault('unreachable', 'refused "initialize"', false);
    takeVersion(said, link);
    (await post({ bytes: INITIALIZED }, link, signal)).discard();
    link.isLost = false;
    if (link.transport !== 'sse') await listen(link, (session, loss) => void renewSession(session, link, loss));
  } catch (error) {
    if (link.isLost) link.session = undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    link.expected = undefined;
  }
}

function unanswered(): UpstreamFault {
  return new UpstreamFault('unreachable', 'did not answer "initialize"', false);
}

async function refusedGreeting(answer: UpstreamAnswer, { ports }: Link): Promise<UpstreamFault> {
  const refused = await readRefused(answer, ports.maxMessage);
  if (refused.status === 401) ports.unauthorized(refused.headers['www-authenticate']);
  return new UpstreamFault('unreachable', `refused "initialize" with HTTP status ${refused.status}${wordsOf(refused, ports.mask)}`, false);
}

async function readOut(answer: UpstreamAnswer, link: Link): Promise<void> {
  const kind = kindOf(answer);
  const take = (messages: readonly Received[]) => deliver(messages, link);
  try {
    if (kind === 'events') return await readEvents(answer, link.ports, take, { lastId: undefined, retry: undefined });
    const bytes = await readBody(answer, link.ports.maxMessage);
    if (bytes && kind === 'json') await take([{ kind: 'line', bytes: withoutBom(bytes) }]);
  } catch (error) {
    link.ports.log.debug(failureBy(error).why);
  }
}
