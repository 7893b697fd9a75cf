/** The admin server (cli.md §3): the API's routes, the event feed and the approval page, behind the door. */
import { StoreError } from '../core/store.ts';
import { type AdminAnswer, refuse } from './answer.ts';
import { apiRoutes } from './api.ts';
import { openApproverGate } from './approver.ts';
import type { AdminDeps } from './deps.ts';
import { type Door, openDoor } from './door.ts';
import { openFeed } from './feed.ts';
import { pageRoutes } from './page/routes.ts';

/** Bytes of a request's body. */
const MOST_BODY = 16_384;

/** Listens on the port; 0 is any. Rejects where that port is taken. */
export async function openAdminServer(deps: AdminDeps, port: number): Promise<Door> {
  const feed = openFeed(deps.approvals, deps.warn);
  const gate = openApproverGate(deps);
  const door = await openDoor({
    port,
    routes: (bound) => [...apiRoutes(deps, gate, feed), ...pageRoutes(deps, gate, bound)],
    token: deps.token,
    monotonic: deps.monotonic,
    fault: (error) => faultOf(error, deps),
    mostBody: MOST_BODY,
  });
  return {
    ...door,
    close() {
      feed.close();
      return door.close();
    },
  };
}

function faultOf(error: unknown, { warn }: AdminDeps): AdminAnswer {
  const why = error instanceof Error ? error.message : String(error);
  warn(`admin API: ${why}`);
  return error instanceof StoreError
    ? refuse('unavailable', `the state store does not answer: ${why}`)
    : refuse('internal', 'something failed; the log of the proxy says what');
}
