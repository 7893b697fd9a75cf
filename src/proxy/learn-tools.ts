/** The proxy's own `tools/list` (wire.md §3): asked where the client has not, page by page, never shown to the agent. */

import { MAX_PAGES, TOO_LARGE } from '../engine/tool-memory.ts';
import type { ServerFrame } from '../mcp/messages/frame.ts';
import { filterToolPageInSlices } from '../mcp/messages/lists.ts';
import { ownRequest, protocolMeta } from './deliver.ts';
import { freshId } from './requests/ids.ts';
import type { Session } from './state.ts';
import { inTurns } from './turns.ts';

/** ms until a server that did not list its tools is asked again: not every call has to wait for it anew. */
const LIST_AGAIN = 30_000;

/**
 * Learns the whole list, and readies the schema engine where schemas are checked. Resolves also where that fails or takes
 * too long: then the tools are not known.
 */
export async function learnTools(session: Session, forSchemas: boolean): Promise<void> {
  if (forSchemas && !session.tools.canCheck) await readyEngine(session);
  const { tools, listing, ports } = session;
  for (;;) {
    if (session.over !== undefined || tools.catalog.complete || ports.monotonic() < listing.againAt) return;
    // One asking for all calls that wait: two at once would take each other's pages for a list of their own.
    listing.asking ??= learn(session).finally(() => {
      listing.asking = undefined;
    });
    // Another session of this agent asked, and ended before it knew: then it is for us to ask.
    if ((await listing.asking) !== 'given up') return;
  }
}

/** Forgets what is known of the list, and asks for it. */
export async function refreshTools(session: Session): Promise<void> {
  session.tools.stale();
  session.listing.againAt = 0;
  await learnTools(session, false);
}

async function readyEngine({ tools, ports }: Session): Promise<void> {
  try {
    tools.useCompiler(await ports.loadSchemaCompiler());
  } catch (error) {
    ports.log.error(`the schema engine could not be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function learn(session: Session): Promise<'done' | 'given up'> {
  try {
    await askForPages(session, AbortSignal.timeout(session.ports.timeouts.listing));
    return 'done';
  } catch (error) {
    if (session.over !== undefined) return 'given up';
    session.listing.againAt = session.ports.monotonic() + LIST_AGAIN;
    session.ports.log.warn(`the server's tool list could not be read: ${error instanceof Error ? error.message : String(error)}`);
    return 'done';
  }
}

async function askForPages(session: Session, timeout: AbortSignal): Promise<void> {
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const frame = await ask(session, cursor, timeout);
    if (frame?.kind !== 'response' || frame.outcome !== 'result') throw new Error('the server did not answer tools/list');
    const { changes } = session.tools;
    const read = await inTurns(filterToolPageInSlices(frame, () => true));
    if (session.tools.changes !== changes) return askForPages(session, timeout);
    if (read.kind === 'unreadable') throw new Error(read.why);
    if (session.tools.page(read.tools, cursor, read.nextCursor) === 'too large') throw new Error(TOO_LARGE);
    if (read.nextCursor === undefined) return;
    cursor = read.nextCursor;
  }
  throw new Error(`it has more than ${MAX_PAGES} pages`);
}

/** A modern server wants the client's `_meta` on each request: what the last one that the client sent says of the protocol. */
function ask(session: Session, cursor: string | undefined, timeout: AbortSignal): Promise<ServerFrame | undefined> {
  const id = freshId(session);
  const modern = session.protocol.modernMeta !== undefined;
  const members = [
    ...(session.protocol.modernMeta ? [`"_meta":${protocolMeta(session.protocol.modernMeta)}`] : []),
    ...(cursor === undefined ? [] : [`"cursor":${JSON.stringify(cursor)}`]),
  ];
  const params = members.length > 0 ? `,"params":{${members.join(',')}}` : '';
  return new Promise((resolve, reject) => {
    const give = () => {
      session.inflight.take(id.key);
      reject(new Error('the server took too long'));
    };
    if (session.over !== undefined) return reject(new Error(session.over));
    if (timeout.aborted) return give();
    timeout.addEventListener('abort', give, { once: true });
    session.inflight.add({
      id,
      sentAs: id,
      method: 'tools/list',
      modern,
      to: undefined,
      purpose: { kind: 'own', resolve },
      since: session.ports.monotonic(),
    });
    session.output.toServer([ownRequest(`{"jsonrpc":"2.0","id":${id.text},"method":"tools/list"${params}}`, id, modern)]);
  });
}
