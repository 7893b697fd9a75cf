/** Carries the frames of one session to a remote server and back, in order: Streamable HTTP, else HTTP+SSE (wire.md §1). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingFrame } from '../../proxy/exchange.ts';
import { failureBy } from '../upstream/refused.ts';
import { within } from '../upstream/within.ts';
import { type BridgePorts, createConnection, isWaiting, methodOf, type ServerConnection, sessionHeaders } from './connection.ts';
import { sendOther, sendRequest } from './exchange.ts';

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

/** The server has so long to take the end of a session, ms. */
const DELETE = 1_000;
const POLL = 10;

/** Opens a bridge. Nothing is sent before the first frame. */
export function openBridge(ports: BridgePorts): Bridge {
  const connection = createConnection(ports);
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
      ? sendRequest(frame, connection, { left: left.resolve, settled: settled.resolve })
      : sendOther(frame, connection, left.resolve);
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
        order.add(rankOf(frame, connection), () => begin(frame));
      }
    },
    get waiting() {
      return waiting;
    },
    onDrain: (f) => void drains.push(f),
    sweep: () => sweep(connection, idle),
    async end(graceMs) {
      const isBusy = () => running.size > 0 || [...connection.elsewhere.values()].some((id) => ports.waitsFor(id));
      for (const end = performance.now() + graceMs; isBusy() && performance.now() < end; ) await sleep(POLL);
      connection.over.abort();
      await endSession(connection);
      ports.client.close();
    },
  };
}

function rankOf(frame: OutgoingFrame, connection: ServerConnection): Rank {
  const { kind, modern, cancels } = frame;
  if (kind === 'response' || (modern && cancels)) return 'free';
  if (kind === 'notification') return 'in_place';
  const isFirst = connection.transport === undefined && methodOf(frame) === 'server/discover';
  return methodOf(frame) === 'initialize' || isFirst ? 'alone' : 'beside';
}

/** A request that was answered elsewhere, given up or timed out leaves its stream a while, and then closes it. */
function sweep(connection: ServerConnection, idle: WeakSet<object>): void {
  for (const request of connection.open.values()) {
    if (isWaiting(request.ids, connection)) continue;
    request.settled();
    if (idle.has(request)) request.giveUp.abort();
    idle.add(request);
  }
  for (const [key, id] of connection.elsewhere) if (!connection.ports.waitsFor(id)) connection.elsewhere.delete(key);
}

/** Ends the session at the server, where it has one. */
async function endSession(connection: ServerConnection): Promise<void> {
  if (connection.session === undefined) return;
  const { cookies } = connection;
  const { client, log } = connection.ports;
  try {
    const answer = await client.send({
      method: 'DELETE',
      headers: sessionHeaders(connection),
      cookies,
      signal: AbortSignal.timeout(DELETE),
    });
    answer.discard();
  } catch (error) {
    log.debug(`the session could not be ended: ${failureBy(error).why}`);
  }
}

/** A frame that was sent: `left` when it is with the operating system, `done` when the server took or answered it. Neither rejects. */
interface Sending {
  readonly left: Promise<void>;
  readonly done: Promise<void>;
}

type Rank =
  /** Sent at once: answers to the server, which may wait for them. */
  | 'free'
  /** Sent beside others. */
  | 'beside'
  /** Sent in its place; later frames wait until the server took it, but not for ever. */
  | 'in_place'
  /** Sent likewise, but later frames wait for as long as it takes: without its answer nothing else can be sent. */
  | 'alone';

interface Order {
  add(rank: Rank, send: () => Sending): void;
}

/** A notification may keep the frames after it waiting for so long, ms. */
const PATIENCE = 5_000;

/**
 * The order in which frames go out (each on a connection of its own): requests run beside each other; a notification
 * goes when all before it has left, and what comes after it goes when the server took it. So nothing overtakes
 * `initialized`, and no `cancelled` overtakes what it cancels.
 */
function createOrder(): Order {
  const leaving = new Set<Promise<void>>();
  let before: Promise<void> | undefined;
  const begin = (send: () => Sending): Sending => {
    const sending = send();
    leaving.add(sending.left);
    void sending.left.then(() => leaving.delete(sending.left));
    return sending;
  };
  const inPlace = async (previous: Promise<void> | undefined, send: () => Sending, patience: number | undefined) => {
    await previous;
    await within(PATIENCE, Promise.all(leaving));
    const { done } = begin(send);
    await (patience === undefined ? done : within(patience, done));
  };
  return {
    add(rank, send) {
      if (rank === 'free' || (rank === 'beside' && !before)) return void begin(send);
      if (rank === 'beside') return void before?.then(() => begin(send));
      const mine = inPlace(before, send, rank === 'alone' ? undefined : PATIENCE).then(() => {
        if (before === mine) before = undefined;
      });
      before = mine;
    },
  };
}
