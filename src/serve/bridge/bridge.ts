/** Carries the frames of one session to a remote server and back: Streamable HTTP, else HTTP+SSE (wire.md §1). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamAnswer } from '../../http/client.ts';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import { failureBy, failureOf, lossOf, readRefused, wordsOf } from '../upstream/refused.ts';
import type { BridgePorts } from './bridge-ports.ts';
import { createLink, isWaiting, type Link, methodOf, post, sessionHeaders } from './link.ts';
import { listen } from './listen.ts';
import { createOrder, type Rank } from './order.ts';
import { sendRequest } from './post-frame.ts';
import { ready, renewSession } from './renew.ts';

export interface Bridge {
  send(frames: readonly OutgoingFrame[]): void;
  /** Bytes that are not with the operating system yet. */
  readonly waiting: number;
  /** Called when `waiting` became less. */
  onDrain(f: () => void): void;
  /** Closes streams that nobody waits for. To be called about once a second. */
  sweep(): void;
  /** Ends the session: what is under way has `graceMs` to finish, then everything is dropped. */
  end(graceMs: number): Promise<void>;
}

/** How long the server has to take a notification, and the end of a session, ms. */
const NOTIFY = 60_000;
const DELETE = 1_000;
const POLL = 10;

/** Opens a bridge. Nothing is sent before the first frame. */
export function openBridge(ports: BridgePorts): Bridge {
  const link = createLink(ports);
  const order = createOrder();
  const running = new Set<Promise<void>>();
  const drains: (() => void)[] = [];
  const idle = new WeakSet<object>();
  let waiting = 0;
  const begin = (frame: OutgoingFrame) => {
    const left = Promise.withResolvers<void>();
    const settled = Promise.withResolvers<void>();
    const isRequest = frame.kind === 'request' || frame.kind === 'batch';
    const life = isRequest
      ? sendRequest(frame, link, { left: left.resolve, settled: settled.resolve })
      : sendOther(frame, link, left.resolve);
    const done = life.finally(() => {
      left.resolve();
      settled.resolve();
      running.delete(done);
    });
    running.add(done);
    void left.promise.then(() => {
      waiting -= frame.bytes.length;
      for (const f of drains) f();
    });
    return { left: left.promise, done: settled.promise };
  };
  return {
    send(frames) {
      for (const frame of frames) {
        waiting += frame.bytes.length;
        order.add(rankOf(frame, link), () => begin(frame));
      }
    },
    get waiting() {
      return waiting;
    },
    onDrain: (f) => void drains.push(f),
    sweep: () => sweep(link, idle),
    async end(graceMs) {
      const isBusy = () => running.size > 0 || [...link.adrift.values()].some((id) => ports.waitsFor(id));
      for (const end = performance.now() + graceMs; isBusy() && performance.now() < end; ) await sleep(POLL);
      link.over.abort();
      await goodbye(link);
      ports.client.close();
    },
  };
}

function rankOf(frame: OutgoingFrame, link: Link): Rank {
  const { kind, modern, cancels } = frame;
  if (kind === 'response' || (modern && cancels)) return 'free';
  if (kind === 'notification') return 'in_place';
  const isFirst = link.transport === undefined && methodOf(frame) === 'server/discover';
  return methodOf(frame) === 'initialize' || isFirst ? 'alone' : 'beside';
}

/** Sends a notification, or an answer to the server. Never rejects. */
async function sendOther(frame: OutgoingFrame, link: Link, onSent: () => void): Promise<void> {
  const { ports } = link;
  // SPEC: wire.md §5 — in the modern era the end of the stream is what tells the server.
  if (frame.modern && frame.cancels) return link.open.get(frame.cancels.key)?.giveUp.abort();
  try {
    await ready(link);
  } catch (error) {
    return ports.log.warn(`a message was not sent: ${failureBy(error).why}`);
  }
  // A stream that ended took along whatever this is about.
  if (link.transport === 'sse' && !link.channel) return;
  const { session } = link;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), NOTIFY);
  try {
    const sending = post(frame, link, AbortSignal.any([link.over.signal, late.signal]), onSent);
    const answer = await sending.finally(() => clearTimeout(timer));
    if (answer.status > 299) await takeRefusal(answer, session, link);
    else answer.discard();
    if (answer.status < 300 && methodOf(frame) === 'notifications/initialized') await listenIfOffered(link);
  } catch (error) {
    if (!link.over.signal.aborted) ports.log.warn(`a message was not taken: ${failureBy(error).why}`);
  }
}

async function takeRefusal(answer: UpstreamAnswer, session: string | undefined, link: Link): Promise<void> {
  const { ports } = link;
  const refused = await readRefused(answer, ports.maxMessage);
  ports.log.warn(`a message was not taken: ${failureOf(refused.status, wordsOf(refused, ports.mask)).why}`);
  const loss = session === undefined ? undefined : lossOf(refused, session === link.worked);
  if (session !== undefined && loss) void renewSession(session, link, loss);
}

async function listenIfOffered(link: Link): Promise<void> {
  if (link.transport === 'streamable') await listen(link, (session, loss) => void renewSession(session, link, loss));
}

/** A request that was answered elsewhere, given up or timed out leaves its stream a while, and then closes it. */
function sweep(link: Link, idle: WeakSet<object>): void {
  for (const request of link.open.values()) {
    if (isWaiting(request.ids, link)) continue;
    request.settled();
    if (idle.has(request)) request.giveUp.abort();
    idle.add(request);
  }
  for (const [key, id] of link.adrift) if (!link.ports.waitsFor(id)) link.adrift.delete(key);
}

async function goodbye(link: Link): Promise<void> {
  if (link.session === undefined) return;
  const { cookies } = link;
  const { client, log } = link.ports;
  try {
    const answer = await client.send({ method: 'DELETE', headers: sessionHeaders(link), cookies, signal: AbortSignal.timeout(DELETE) });
    answer.discard();
  } catch (error) {
    log.debug(`the session could not be ended: ${failureBy(error).why}`);
  }
}
