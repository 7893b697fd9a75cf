/** The event stream (cli.md §3): sends the store's outbox to all who listen. */
import type { ServerResponse } from 'node:http';
import type { ApprovalEvent, Approvals } from '../core/approval.ts';
import { renderApprovalEvent } from '../core/approval-json.ts';
import { ALWAYS } from './answer.ts';

/** The store is asked so often while somebody listens, ms. */
const LOOK = 500;
/** A comment that keeps a quiet connection open, ms. */
const QUIET = 15_000;
const BATCH = 20;
const MOST_STREAMS = 16;
/** Bytes that may wait for a reader before it is cut off; it can come back with its last id. */
const MOST_WAITING = 4 * 1024 * 1024;

export interface EventFeed {
  /** The number of the newest event. */
  newest(): Promise<number>;
  isFull(): boolean;
  /** Sends what comes after that number, until the reader goes. */
  add(response: ServerResponse, after: number): void;
  close(): void;
}

interface Listener {
  readonly response: ServerResponse;
  after: number;
}

/** Opens the feed; it asks the store only while somebody listens. */
export function openFeed(approvals: Approvals, warn: (text: string) => void): EventFeed {
  const listeners = new Set<Listener>();
  let looking: NodeJS.Timeout | undefined;
  let quiet = 0;
  const look = async () => {
    quiet += LOOK;
    for (const listener of [...listeners]) await notify(listener, approvals).catch((error: unknown) => warn(`events: ${String(error)}`));
    if (quiet >= QUIET) {
      quiet = 0;
      for (const { response } of listeners) response.write(': quiet\n\n');
    }
    if (listeners.size > 0) looking = setTimeout(look, LOOK);
    else looking = undefined;
  };
  return {
    newest: () => approvals.newest(),
    isFull: () => listeners.size >= MOST_STREAMS,
    add(response, after) {
      const listener = { response, after };
      listeners.add(listener);
      response.on('close', () => listeners.delete(listener));
      response.writeHead(200, { ...ALWAYS, 'content-type': 'text/event-stream', connection: 'keep-alive' });
      response.write('retry: 2000\n\n');
      if (looking === undefined) void look();
    },
    close() {
      clearTimeout(looking);
      for (const { response } of listeners) response.destroy();
      listeners.clear();
    },
  };
}

/** Sends what is new, as far as the reader takes it. One that has not caught up since the last look is cut off. */
async function notify(listener: Listener, approvals: Approvals): Promise<void> {
  const { response } = listener;
  if (response.writableLength > MOST_WAITING) {
    response.destroy();
    return;
  }
  for (let more = true; more && !response.destroyed; ) {
    const events = await approvals.events(listener.after, BATCH);
    for (const event of events) {
      if (response.destroyed || response.writableLength > MOST_WAITING) return;
      response.write(renderEvent(event));
      listener.after = event.sequence;
    }
    more = events.length > 0;
  }
}

function renderEvent(event: ApprovalEvent): string {
  return `id: ${event.sequence}\nevent: ${event.type}\ndata: ${renderApprovalEvent(event)}\n\n`;
}
