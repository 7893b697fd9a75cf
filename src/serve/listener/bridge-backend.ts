/** A bridge to a remote server for each session: behind clients of HTTP+SSE, and before servers of it (wire.md §1). */
import type { Log } from '../../engine/ports.ts';
import { openHttpClient } from '../../http/client.ts';
import { ofSender, type RequestRules, toUpstream } from '../../http/headers.ts';
import { openBridge } from '../bridge/bridge.ts';
import { openExplainer, portsOf } from '../bridge/bridge-session.ts';
import type { Remote } from '../options.ts';
import { wordMask } from '../remote-secrets.ts';
import type { OpenBackend } from './backend.ts';

/** What is under way when a session ends has so long to finish, ms. */
const GRACE = 1_000;

/** A new bridge for every session, which sends what of its client's headers may pass. */
export function bridgeBackend(remote: Remote, rules: RequestRules, maxMessage: number, log: Log): OpenBackend {
  const mask = wordMask(remote);
  return async (session, rawHeaders, nonMessage) => {
    // What a message goes with besides, the bridge writes itself.
    const client = openHttpClient(remote.url, { ...ofSender(toUpstream(rawHeaders, rules)), ...remote.headers });
    const bridge = openBridge(
      portsOf({
        ...{ log, client, maxMessage, session, nonMessage, explain: openExplainer(log, client, remote), mask },
        async receive(messages) {
          session().fromServer(messages);
          await session().serverIdle();
        },
      }),
    );
    return {
      send: bridge.send,
      get waiting() {
        return bridge.waiting;
      },
      sweep: bridge.sweep,
      // A remote server has no end that would be the session's: each request tells how it fares.
      ended: new Promise<never>(() => {}),
      stop: (how) => bridge.end(how === 'now' ? 0 : GRACE),
    };
  };
}
