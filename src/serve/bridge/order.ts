/**
 * The order in which frames go out (each on a connection of its own): requests run beside each other; a notification
 * goes when all before it has left, and what comes after it goes when the server took it. So nothing overtakes
 * `initialized`, and no `cancelled` overtakes what it cancels.
 */
import { within } from '../upstream/within.ts';

/** A frame that was sent: `left` when it is with the operating system, `done` when the server took or answered it. Neither rejects. */
export interface Sending {
  readonly left: Promise<void>;
  readonly done: Promise<void>;
}

export type Rank =
  /** Waits for nothing: answers to the server, which may be what it waits for. */
  | 'free'
  /** Beside others. */
  | 'beside'
  /** In its place; what follows waits until the server took it, but not for ever. */
  | 'in_place'
  /** The same, for as long as it takes: without its answer nothing else can be said. */
  | 'alone';

export interface Order {
  add(rank: Rank, send: () => Sending): void;
}

/** How long a notification may keep what comes after it waiting, ms. */
const PATIENCE = 5_000;

export function createOrder(): Order {
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
