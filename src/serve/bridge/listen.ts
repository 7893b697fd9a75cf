/** Streams that the bridge opens itself: the one for what belongs to no request, and those that go on where another broke. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamAnswer } from '../../http/client.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import { kindOf, type Place, readEvents } from '../upstream/read-answer.ts';
import { failureBy, failureOf, lossOf, readRefused, wordsOf } from '../upstream/refused.ts';
import { OPENING, within } from '../upstream/within.ts';
import { deliver, get, isWaiting, type Link, passAside } from './link.ts';

/** ms before a stream is asked for again, unless the server says; and the most it may ask for. */
const RETRY = 1_000;
const MAX_RETRY = 30_000;
/** How often in a row a broken stream may fail to go on. */
const MAX_FAILURES = 5;
/** A stream that was open is asked for again at once, but not more often than that, ms. */
const STEADY = 5_000;
type OnLost = (session: string, loss: 'certainly' | 'likely') => void;
/** How asking for a stream went: `read` where it was one, also if it broke, `refused` where it makes no sense to ask again. */
type Went = 'read' | 'failed' | 'refused' | { readonly lost: 'certainly' | 'likely' };

/**
 * Keeps the stream for the server's own messages open, where the server offers one, until the session or the bridge ends.
 * Resolves when the server has answered whether it does. INVARIANT I9: what it asks while no such stream is open is lost in
 * many servers, and the call that it asks for waits in vain; so a call must not get there first.
 */
export function listen(link: Link, onLost: OnLost): Promise<unknown> {
  const answered = Promise.withResolvers<void>();
  void keepOpen(link, onLost, answered.resolve).finally(answered.resolve);
  return within(OPENING, answered.promise);
}

async function keepOpen(link: Link, onLost: OnLost, onAnswer: () => void): Promise<void> {
  link.listening?.abort();
  const giveUp = new AbortController();
  link.listening = giveUp;
  const signal = AbortSignal.any([giveUp.signal, link.over.signal]);
  const place: Place = { lastId: undefined, retry: undefined };
  const { session } = link;
  let answered = onAnswer;
  let atOnce = Number.NEGATIVE_INFINITY;
  for (let failures = 0, wasOpen = false; !signal.aborted; ) {
    const went = await follow(link, place, signal, { answer: () => answered() });
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
      answered = reopen(link);
    }
  }
  answered();
  if (link.listening !== giveUp) return;
  link.listening = undefined;
  const lost = [...link.adrift.values()];
  link.adrift.clear();
  link.ports.fail(lost, { outcome: 'kept', why: 'the server ended the stream before it answered' });
}

/** INVARIANT I9: while there is no stream, requests wait as they do for the first one. Answers with what ends that. */
function reopen(link: Link): () => void {
  const opened = Promise.withResolvers<void>();
  const reopening = within(OPENING, opened.promise).finally(() => {
    if (link.reopening === reopening) link.reopening = undefined;
  });
  link.reopening = reopening;
  return opened.resolve;
}

/** Goes on with a stream that broke before its request was answered, from the last event that came. */
export async function resume(ids: readonly RequestId[], place: Place, link: Link, stop: AbortSignal): Promise<void> {
  const answered = new AbortController();
  const signal = AbortSignal.any([stop, link.over.signal, answered.signal]);
  const settled = () => !isWaiting(ids, link) && answered.abort();
  for (let failures = 0; failures < MAX_FAILURES && !signal.aborted; ) {
    await pause(place, failures, signal);
    settled();
    if (signal.aborted) return;
    const went = await follow(link, place, signal, { messages: settled });
    if (went === 'refused' || typeof went === 'object') break;
    failures = went === 'read' ? 0 : failures + 1;
  }
  link.ports.fail(ids, { outcome: 'kept', why: 'the stream broke before the server answered, and does not go on' });
}

/** One stream to its end. */
async function follow(
  link: Link,
  place: Place,
  signal: AbortSignal,
  on: { readonly answer?: () => void; readonly messages?: () => void },
): Promise<Went> {
  const { ports } = link;
  let isOpen = false;
  try {
    const answer = await get(link, place.lastId, signal);
    on.answer?.();
    if (answer.status !== 200 || kindOf(answer) !== 'events') return await declined(answer, link);
    const take = async (messages: Parameters<typeof ports.receive>[0]) => {
      await deliver(messages, link);
      on.messages?.();
    };
    isOpen = true;
    await readEvents(answer, ports, take, place, (event) => passAside(event, link));
    return 'read';
  } catch (error) {
    if (!signal.aborted) ports.log.debug(`a stream of the server: ${failureBy(error).why}`);
    return isOpen ? 'read' : 'failed';
  }
}

/** 405 says that the server has no such stream, which is fine. */
async function declined(answer: UpstreamAnswer, { ports }: Link): Promise<Went> {
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
